"""Routes RouterArena's broad queries, and the same queries perturbed.

`python -m tests.bench.bench_arena --help`. Needs the routing data folder. No row of it was trained on.

RouterArena (Lu et al. 2025, https://arxiv.org/abs/2510.00202): robustness is the share of perturbed
queries for which the same model is chosen; the arena score weighs accuracy against the logarithm of
the cost.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from scorer import Runtime, default_artifact_path, load_artifact
from scorer.data.records import read_records
from scorer.measures.intervals import Interval, bootstrap_means, interval
from services.evaluation.answers.prices import load_prices
from services.evaluation.arena.figures import arena_score, robustness
from services.router.model_priors.estimate import estimate_priors
from services.router.model_priors.matching import ScorerModels
from services.router.types.tokens import estimate_tokens
from tests.bench.bench_priors import PRICES, REPLY_TOKENS, choose, facts_of
from tests.bench.page_head import page_head

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import numpy.typing as npt

    from services.evaluation.answers.prices import Price

    Scores = Mapping[str, float]
    Chooser = Callable[[str, Scores, Mapping[str, Price]], str]

KNOWN_POOLS = ("mmlupro28", "zeroeval29", "llmrouter9")
"""The pools whose models the shipped artifact knows."""
LEAST_SHARE = 0.05
"""A model with a smaller share of the queries does not count as chosen."""
BATCH_SIZE = 64
SEED = 1
HEAD = page_head(
    "A broad mix of queries, and perturbed ones",
    "How many models are chosen, does a rephrased query have the same one, and what does it cost?",
    """Command: `python -m tests.bench.bench_arena --data $ROUTEMOA_DATA`. Setting: 410 queries of 72
    sources from RouterArena and 210 perturbed ones, none of which was trained on. The default
    artifact scores; *score* takes the best score, *policy* what the default policy ranks first, at
    list prices (`tests/bench/prices_2024.yaml`). Dollars are of 1,000 answers of 400 tokens. Two of
    the models are graded. Brackets are 95 % intervals, by bootstrap over the queries.""",
    """*Models* are those with at least 5 % of the queries. A constant choice is always robust, which
    says nothing. Of the two graded models the better one is the cheaper one too, so no choice between
    them can be cheaper at an equal score. Where prices can make the first choice cheaper, and where
    not, is in [scorer choices](scorer-choices.md#a-cheaper-first-choice).""",
)
RECORDED = page_head(
    "Recorded pools",
    """Every model of a recorded pool is graded. *Best* is the best single model in hindsight, *gain*
    what the choices have more, in points, and *dollars* what they cost against it.""",
).replace("# ", "## ", 1)


def mean_of(values: npt.NDArray[np.float64]) -> Interval:
    """Returns a mean with its interval."""
    resampled = bootstrap_means(values[:, None], [""] * len(values), seed=SEED)[:, 0]
    return interval(float(values.mean()), resampled)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorer:
    """A scorer whose scores of models that it does not know are estimates."""

    runtime: Runtime
    prices: Mapping[str, Price]

    def scores(self, texts: Sequence[str], models: Sequence[str]) -> list[Scores]:
        """Returns the score of each model for each text."""
        columns = known_columns(self.runtime.artifact.manifest.model_ids, models)
        facts = {m: facts_of(m, self.prices[m]) for m in models}
        unknown = {m: facts[m] for m in models if m not in columns}
        found: list[Scores] = []
        for start in range(0, len(texts), BATCH_SIZE):
            queries = [self.runtime.tokenize(text) for text in texts[start : start + BATCH_SIZE]]
            for row in self.runtime.score(queries):
                known = {m: float(row[columns[m]]) for m in models if m in columns}
                anchors = [(facts[m], score) for m, score in known.items()]
                guesses = estimate_priors(unknown, anchors) if unknown else {}
                found.append(known | {m: guess.score for m, guess in guesses.items()})
        return found


def known_columns(known: Sequence[str], models: Sequence[str]) -> dict[str, int]:
    """Returns the column of each model that the artifact knows, by this or another spelling."""
    names, found = ScorerModels(known), {}
    for model in models:
        match = names.find((model,))
        if match is not None and match.is_same:
            found[model] = known.index(match.scorer_ids[0])
    return found


def best_scored(query: str, scores: Scores, prices: Mapping[str, Price]) -> str:
    """Returns the model with the best score, whatever it costs."""
    return max(scores, key=lambda model: scores[model])


CHOOSERS: Mapping[str, Chooser] = {"score": best_scored, "policy": choose}


def cost_usd(query: str, price: Price) -> float:
    """Returns the list price of an answer of the usual length."""
    return (estimate_tokens(query) * price.prompt + REPLY_TOKENS * price.completion) / 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Arena:
    """RouterArena's queries, by their ids."""

    texts: Mapping[str, str]
    perturbed: Mapping[str, str]
    """Another wording of some of them."""
    graded: Mapping[str, Scores]
    """Grades of a few models."""

    @property
    def graded_models(self) -> list[str]:
        """The models that have grades."""
        return sorted(next(iter(self.graded.values())))


def read_arena(folder: Path) -> Arena:
    """Reads the queries."""
    records = read_records(folder / "queries_dev.jsonl.gz")
    with gzip.open(folder / "noisy_dev.jsonl.gz", "rt", encoding="utf-8") as lines:
        perturbed = [json.loads(line) for line in lines]
    return Arena(
        texts={record.id: record.query for record in records},
        perturbed={row["id"]: row["noisy_query"] for row in perturbed},
        graded={record.id: record.scores for record in records},
    )


def arena_rows(scorer: Scorer, arena: Arena) -> Iterator[str]:
    """Yields the rows of the table of broad queries."""
    known = scorer.runtime.artifact.manifest.model_ids
    everywhere = scorer.scores(list(arena.texts.values()), known)
    first = Counter(max(each, key=each.__getitem__) for each in everywhere).most_common(1)[0][0]
    pools = {
        f"all {len(known)} models": known,
        f"all but {first}": [model for model in known if model != first],
        "the two graded ones": arena.graded_models,
    }
    for name, models in pools.items():
        for rule in CHOOSERS:
            picks = routed(scorer, arena.texts, models, rule)
            others = routed(scorer, arena.perturbed, models, rule)
            prices = [cost_usd(arena.texts[key], scorer.prices[m]) for key, m in picks.items()]
            grades = [arena.graded[key].get(model) for key, model in picks.items()]
            cells = arena_cells(picks, grades, 1000 * float(np.mean(prices)))
            yield f"| {name}, {rule} | {' | '.join([bracketed(robustness(picks, others)), *cells])} |"


def routed(
    scorer: Scorer, texts: Mapping[str, str], models: Sequence[str], rule: str
) -> dict[str, str]:
    """Returns the model that is chosen for each text, by its id."""
    scores = scorer.scores(list(texts.values()), models)
    return {
        key: CHOOSERS[rule](texts[key], given, scorer.prices)
        for key, given in zip(texts, scores, strict=True)
    }


def arena_cells(
    picks: Mapping[str, str], grades: Sequence[float | None], usd: float
) -> tuple[str, ...]:
    """Returns the cells of a row; a mean and an arena score only if every choice is graded."""
    shares = {m: count / len(picks) for m, count in Counter(picks.values()).most_common()}
    often = [f"{m} {100 * share:.0f} %" for m, share in shares.items() if share >= LEAST_SHARE]
    scores = [grade for grade in grades if grade is not None]
    mean = arena = "–"
    if len(scores) == len(grades):
        mean = bracketed(mean_of(np.array(scores)))
        arena = f"{100 * arena_score(float(np.mean(scores)), usd):.1f}"
    return str(len(often)), ", ".join(often[:4]), f"{usd:.2f}", mean, arena


def recorded_rows(scorer: Scorer, data: Path) -> Iterator[str]:
    """Yields the rows of the table of recorded pools."""
    for pool in KNOWN_POOLS:
        records = read_records(data / pool / "test.jsonl.gz")
        texts = {record.id: record.query for record in records}
        grades = {record.id: record.scores for record in records}
        models = sorted(records[0].scores)
        best = max(models, key=lambda m: float(np.mean([given[m] for given in grades.values()])))
        usual = sum(cost_usd(text, scorer.prices[best]) for text in texts.values())
        for rule in CHOOSERS:
            picks = routed(scorer, texts, models, rule)
            gains = np.array(
                [grades[key][model] - grades[key][best] for key, model in picks.items()]
            )
            spent = sum(cost_usd(texts[key], scorer.prices[m]) for key, m in picks.items())
            counts = Counter(picks.values()).values()
            often = sum(count >= LEAST_SHARE * len(picks) for count in counts)
            yield (
                f"| {pool}, {rule} | {best} | {bracketed(mean_of(gains), sign='+')} "
                f"| {100 * spent / usual:.0f} % | {often} |"
            )


def bracketed(value: Interval, *, sign: str = "") -> str:
    """Returns percent or points with their interval."""
    mean, low, high = (f"{100 * each:{sign}.1f}" for each in (value.mean, value.low, value.high))
    return f"{mean} [{low}, {high}]"


def report(data: Path, artifact: Path) -> str:
    """Returns the whole page."""
    runtime = Runtime.open(load_artifact(artifact), intra_op_threads=1)
    arena = read_arena(data / "routerarena")
    models = {*runtime.artifact.manifest.model_ids, *arena.graded_models}
    for pool in KNOWN_POOLS:
        models |= set(read_records(data / pool / "test.jsonl.gz")[0].scores)
    scorer = Scorer(runtime=runtime, prices=load_prices(PRICES, sorted(models)))
    lines = [
        "| pool, ranked by | robustness, % | models | chosen | dollars | mean score, % | arena score |",
        "|---|---:|---:|---|---:|---:|---:|",
        *arena_rows(scorer, arena),
        "",
        RECORDED.rstrip(),
        "",
        "| records, ranked by | best | gain | dollars | models |",
        "|---|---|---:|---:|---:|",
        *recorded_rows(scorer, data),
    ]
    return HEAD + "\n".join(lines) + "\n"


def main() -> None:
    """Runs from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("ROUTEMOA_DATA"))
    parser.add_argument("--artifact", type=Path, default=default_artifact_path())
    options = parser.parse_args()
    sys.stdout.write(report(options.data, options.artifact))


if __name__ == "__main__":
    main()
