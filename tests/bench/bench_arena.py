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
import math
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
from services.router.model_priors.estimate import estimate_priors
from services.router.types.tokens import estimate_tokens
from tests.bench.bench_priors import PRICES, REPLY_TOKENS, choose, facts_of
from tests.bench.page_head import page_head

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

    from services.evaluation.answers.prices import Price

    Scores = Mapping[str, float]
    Chooser = Callable[[str, Scores, Mapping[str, Price]], str]

KNOWN_POOLS = ("mmlupro28", "zeroeval29", "llmrouter9")
"""The pools whose models the shipped artifact knows."""
LEAST_SHARE = 0.05
"""A model with a smaller share of the queries does not count as chosen."""
COST_WEIGHT = 0.1
MOST_USD, LEAST_USD = 200.0, 0.0044
"""The arena score's weight of cost, and the bounds of dollars per 1,000 queries."""
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
    says nothing.""",
)
RECORDED = page_head(
    "Recorded pools",
    """Every model of a recorded pool is graded. *Best* is the best single model in hindsight, *gain*
    what the choices have more, in points, and *dollars* what they cost against it.""",
).replace("# ", "## ", 1)


def arena_score(accuracy: float, usd_per_1000: float) -> float:
    """Returns RouterArena's score of an accuracy in [0, 1] and a cost; higher is better."""
    cheapness = math.log(MOST_USD / usd_per_1000) / math.log(MOST_USD / LEAST_USD)
    weighted = COST_WEIGHT * accuracy + cheapness
    return (1 + COST_WEIGHT) * accuracy * cheapness / weighted if weighted else 0.0


def robustness(picks: Mapping[str, str], perturbed_picks: Mapping[str, str]) -> Interval:
    """Returns the share of perturbed queries that have the model of the query itself, by id."""
    same = [float(picks[key] == pick) for key, pick in perturbed_picks.items()]
    return mean_of(np.array(same))


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
        columns = {m: index for index, m in enumerate(self.runtime.artifact.manifest.model_ids)}
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


def best_scored(query: str, scores: Scores, prices: Mapping[str, Price]) -> str:
    """Returns the model with the best score, whatever it costs."""
    return max(scores, key=lambda model: scores[model])


CHOOSERS: Mapping[str, Chooser] = {"score": best_scored, "policy": choose}


def cost_usd(query: str, price: Price) -> float:
    """Returns the list price of an answer of the usual length."""
    return (estimate_tokens(query) * price.prompt + REPLY_TOKENS * price.completion) / 1e6


def read_rows(path: Path) -> list[dict[str, str]]:
    """Reads JSON lines."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def arena_rows(scorer: Scorer, data: Path) -> list[str]:
    """Returns the rows of the table of broad queries."""
    records = read_records(data / "queries_dev.jsonl.gz")
    perturbed = {row["id"]: row["noisy_query"] for row in read_rows(data / "noisy_dev.jsonl.gz")}
    known = scorer.runtime.artifact.manifest.model_ids
    first = Counter(
        max(s, key=s.__getitem__)
        for s in scorer.scores([record.query for record in records], known)
    ).most_common(1)[0][0]
    pools = {
        f"all {len(known)} models": known,
        f"all but {first}": [m for m in known if m != first],
        "the two graded ones": sorted(records[0].scores),
    }
    rows = []
    for name, models in pools.items():
        texts = {record.id: record.query for record in records}
        scores = dict(zip(texts, scorer.scores(list(texts.values()), models), strict=True))
        other = dict(zip(perturbed, scorer.scores(list(perturbed.values()), models), strict=True))
        for rule, chosen in CHOOSERS.items():
            picks = {key: chosen(texts[key], scores[key], scorer.prices) for key in texts}
            noisy = {key: chosen(perturbed[key], other[key], scorer.prices) for key in perturbed}
            usd = 1000 * float(
                np.mean([cost_usd(texts[k], scorer.prices[m]) for k, m in picks.items()])
            )
            graded = [record.scores.get(picks[record.id]) for record in records]
            rows.append(arena_row(f"{name}, {rule}", picks, robustness(picks, noisy), usd, graded))
    return rows


def arena_row(
    name: str,
    picks: Mapping[str, str],
    robust: Interval,
    usd: float,
    graded: Sequence[float | None],
) -> str:
    """Returns one row; a mean score and an arena score only if every choice is graded."""
    shares = {m: count / len(picks) for m, count in Counter(picks.values()).most_common()}
    often = [f"{m} {100 * share:.0f} %" for m, share in shares.items() if share >= LEAST_SHARE]
    scores = [score for score in graded if score is not None]
    mean = arena = "–"
    if len(scores) == len(graded):
        mean = bracketed(mean_of(np.array(scores)))
        arena = f"{100 * arena_score(float(np.mean(scores)), usd):.1f}"
    return (
        f"| {name} | {len(often)} | {', '.join(often[:4])} | {bracketed(robust)} "
        f"| {usd:.2f} | {mean} | {arena} |"
    )


def recorded_rows(scorer: Scorer, data: Path) -> list[str]:
    """Returns the rows of the table of recorded pools."""
    rows = []
    for pool in KNOWN_POOLS:
        records = read_records(data / pool / "test.jsonl.gz")
        models = sorted(records[0].scores)
        scores = scorer.scores([record.query for record in records], models)
        best = max(models, key=lambda m: float(np.mean([record.scores[m] for record in records])))
        usd = sum(cost_usd(record.query, scorer.prices[best]) for record in records)
        for rule, chosen in CHOOSERS.items():
            picks = [
                chosen(record.query, given, scorer.prices)
                for record, given in zip(records, scores, strict=True)
            ]
            pairs = list(zip(records, picks, strict=True))
            gain = mean_of(np.array([r.scores[pick] - r.scores[best] for r, pick in pairs]))
            spent = sum(cost_usd(r.query, scorer.prices[pick]) for r, pick in pairs)
            often = sum(c >= LEAST_SHARE * len(picks) for c in Counter(picks).values())
            rows.append(
                f"| {pool}, {rule} | {best} | {bracketed(gain, sign='+')} "
                f"| {100 * spent / usd:.0f} % | {often} |"
            )
    return rows


def bracketed(value: Interval, *, sign: str = "") -> str:
    """Returns percent or points with their interval."""
    return " ".join(
        f"{100 * number:{sign}.1f}" if index == 0 else text
        for index, (number, text) in enumerate(
            ((value.mean, ""), (0, f"[{100 * value.low:{sign}.1f}, {100 * value.high:{sign}.1f}]"))
        )
    )


def report(data: Path, artifact: Path) -> str:
    """Returns the whole page."""
    runtime = Runtime.open(load_artifact(artifact), intra_op_threads=1)
    arena = data / "routerarena"
    graded = read_records(arena / "queries_dev.jsonl.gz")[0].scores
    models = {*runtime.artifact.manifest.model_ids, *graded}
    for pool in KNOWN_POOLS:
        models |= set(read_records(data / pool / "test.jsonl.gz")[0].scores)
    scorer = Scorer(runtime=runtime, prices=load_prices(PRICES, sorted(models)))
    lines = [
        "| pool, ranked by | models | chosen | robustness, % | dollars | mean score, % | arena score |",
        "|---|---:|---|---:|---:|---:|---:|",
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
