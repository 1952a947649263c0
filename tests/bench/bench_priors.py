"""Routes recorded pools of which nothing but names and prices is known.

`python -m tests.bench.bench_priors --help`. Needs the routing data folder.

Every label of a pool is hidden, and every score of its models. The scorer scores each query for its
other models; the pool's models have estimates on the scale of these; the default policy chooses.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from scorer import Artifact, Runtime, default_artifact_path, load_artifact
from scorer.data.records import read_records
from services.evaluation.answers.prices import Price, load_prices
from services.router.model_priors.ability import read_features
from services.router.model_priors.estimate import EASINESS_SHARE, estimate_priors
from services.router.model_priors.facts import ModelFacts, mean_price_usd
from services.router.model_priors.matching import ScorerModels
from services.router.routing.candidates import Candidate, Candidates
from services.router.routing.policy import Policy, PolicySettings
from services.router.routing.ranking import rank
from services.router.types.amounts import NOTHING
from services.router.types.tokens import estimate_tokens
from tests.bench.page_head import page_head

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scorer.data.records import Record

POOLS: Mapping[str, tuple[str, ...]] = {
    "ollb18": ("test", "test_ood"),
    "mmlupro28": ("test",),
    "zeroeval29": ("test",),
    "routerbench11": ("test",),
    "llmrouter9": ("test",),
    "alpacaeval19": ("test",),
    "routerdc7": ("test_id", "test_ood"),
    "routerarena": ("queries_dev",),
}
KNOWN_POOLS = ("mmlupro28", "zeroeval29")
"""The pools whose models the shipped artifact knows."""
PRICES = Path(__file__).with_name("prices_2024.yaml")
REPLY_TOKENS = 400
LATENCY_S = 5.0
"""The pool file's defaults for a model of which nothing is said."""
POLICY = Policy(
    **PolicySettings().model_dump(),
    strategy="single",
    kept_answer_count=2,
    cost_weight=None,
    latency_weight=None,
    model_ids=frozenset(),
)
HEAD = page_head(
    "Models that the scorer does not know",
    "Are estimates from names and prices better than the dearest model, or the largest?",
    """Command: `python -m tests.bench.bench_priors --data $ROUTEMOA_DATA`. Setting: recorded pools
    whose labels are all hidden. The edge artifact scores each query for its own models, without those
    of the pool, and the pool's models have estimates from their names and list prices
    (`tests/bench/prices_2024.yaml`). The default policy ranks; the first model's recorded answer
    counts. `single` and `routemoa` begin with the same model. Every query is
    answered.""",
    """*Dearest* and *largest* are always the same model, or the mean of several that cost the same.
    *Best* is the best single model in hindsight. *Error* is the root mean square error of a model's
    mean score if it is estimated from its name and the means of the pool's other models; *mean's* is
    that of the mean of the others. In routerdc7 two models have the same estimate, and the order of
    their ids decides.""",
)
HALF = page_head(
    "# Half of a pool is known".removeprefix("# "),
    """The artifact's scores of every other model are hidden, once the even and once the odd ones.""",
).replace("# ", "## ", 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Mean scores on one file of records, in percent."""

    name: str
    chosen: float
    dearest: float
    """The mean over the dearest models, if several cost the same."""
    largest: float
    best: float
    picks: Mapping[str, int]
    """Number of queries by the model that was chosen."""
    model_error: float
    """Root mean square error of the model means, if each is estimated from the others'."""
    mean_error: float
    """The same of the mean of the others."""


def facts_of(model_id: str, price: Price) -> ModelFacts:
    """Returns what is known of a recorded model."""
    return ModelFacts((model_id,), mean_price_usd(price.prompt, price.completion))


def measure(
    name: str, records: Sequence[Record], prices: Mapping[str, Price], runtime: Runtime
) -> Outcome:
    """Routes the records of a file and compares the choices with simpler ones."""
    models = sorted({m for record in records for m in record.scores})
    facts = {m: facts_of(m, prices[m]) for m in models}
    foreign = foreign_models(runtime.artifact, models)
    picks: dict[str, int] = dict.fromkeys(models, 0)
    scores = []
    for start in range(0, len(records), 64):
        part = records[start : start + 64]
        known = runtime.score([runtime.tokenize(record.query) for record in part])
        for record, row in zip(part, known, strict=True):
            anchors = [(ModelFacts((m,)), float(row[column])) for m, column in foreign]
            estimates = estimate_priors(facts, anchors, EASINESS_SHARE)
            pick = choose(record.query, {m: e.score for m, e in estimates.items()}, prices)
            picks[pick] += 1
            scores.append(record.scores[pick])
    means = {m: fmean(record.scores[m] for record in records) for m in models}
    error, mean_error = leave_one_out(facts, means)
    return Outcome(
        name=name,
        chosen=100 * fmean(scores),
        dearest=100 * _mean_of_most(means, {m: facts[m].price_usd for m in models}),
        largest=100 * _mean_of_most(means, sizes(models)),
        best=100 * max(means.values()),
        picks={m: count for m, count in picks.items() if count},
        model_error=error,
        mean_error=mean_error,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class HalfKnown:
    """Mean scores on one file of records if the scorer knows every other model, in percent."""

    name: str
    chosen: float
    """By its scores and estimates of the others."""
    with_mean: float
    """If the others have the mean of its scores."""
    known_only: float
    """If the others are left out."""
    all_known: float
    """If it knows all models."""
    best: float


def measure_half_known(
    name: str, records: Sequence[Record], prices: Mapping[str, Price], runtime: Runtime
) -> HalfKnown:
    """Routes the records of a pool whose models the artifact knows, with half of them hidden."""
    models = sorted({m for record in records for m in record.scores})
    facts = {m: facts_of(m, prices[m]) for m in models}
    columns = {m: column for column, m in enumerate(runtime.artifact.manifest.model_ids)}
    found: dict[str, list[float]] = {key: [] for key in ("chosen", "mean", "known", "all")}
    for record in records:
        row = runtime.score([runtime.tokenize(record.query)])[0]
        scores = {m: float(row[columns[m]]) for m in models}
        for half in (models[::2], models[1::2]):
            known = {m: scores[m] for m in half}
            hidden = {m: facts[m] for m in models if m not in known}
            guesses = estimate_priors(hidden, [(facts[m], score) for m, score in known.items()])
            by_method = {
                "chosen": known | {m: guess.score for m, guess in guesses.items()},
                "mean": dict.fromkeys(models, fmean(known.values())) | known,
                "known": known,
                "all": scores,
            }
            for method, given in by_method.items():
                found[method].append(record.scores[choose(record.query, given, prices)])
    return HalfKnown(
        name=name,
        chosen=100 * fmean(found["chosen"]),
        with_mean=100 * fmean(found["mean"]),
        known_only=100 * fmean(found["known"]),
        all_known=100 * fmean(found["all"]),
        best=100 * max(fmean(record.scores[m] for record in records) for m in models),
    )


def foreign_models(artifact: Artifact, models: Sequence[str]) -> list[tuple[str, int]]:
    """Returns the artifact's models, with their columns, that are not near to any of a pool's."""
    ids = artifact.manifest.model_ids
    known = ScorerModels(ids)
    near = {i for m in models if (match := known.find((m,))) is not None for i in match.scorer_ids}
    return [(m, column) for column, m in enumerate(ids) if m not in near]


def choose(query: str, scores: Mapping[str, float], prices: Mapping[str, Price]) -> str:
    """Returns the model that the default policy ranks first."""
    prompt = estimate_tokens(query)
    candidates = [
        Candidate(
            model_id=model_id,
            score=score,
            prior_score=score,
            expected_completion_tokens=REPLY_TOKENS,
            expected_cost_usd=(
                prompt * prices[model_id].prompt + REPLY_TOKENS * prices[model_id].completion
            )
            / 1e6,
            worst=NOTHING,
            expected_latency_s=LATENCY_S,
        )
        for model_id, score in scores.items()
    ]
    return rank(Candidates.of(candidates), POLICY)[0].model_id


def leave_one_out(
    facts: Mapping[str, ModelFacts], means: Mapping[str, float]
) -> tuple[float, float]:
    """Returns the errors of estimated means, and of the mean of the other models."""
    errors, plain = [], []
    for model_id, mean in means.items():
        others = [m for m in means if m != model_id]
        known = [(facts[m], means[m]) for m in others]
        estimate = estimate_priors({model_id: facts[model_id]}, known)[model_id]
        errors.append(estimate.score - mean)
        plain.append(fmean(means[m] for m in others) - mean)
    return math.hypot(*errors) / math.sqrt(len(means)), math.hypot(*plain) / math.sqrt(len(means))


def sizes(models: Sequence[str]) -> Mapping[str, float]:
    """Returns the size of each model as the estimate sees it, as far as names and releases tell."""
    return {m: read_features(ModelFacts((m,))).doublings or 0.0 for m in models}


def _mean_of_most(means: Mapping[str, float], amounts: Mapping[str, float]) -> float:
    most = max(amounts.values())
    return fmean(means[m] for m, amount in amounts.items() if amount == most)


def table(outcomes: Sequence[Outcome]) -> str:
    """Returns the report's table."""
    lines = [
        "| records | chosen | dearest | largest | best in hindsight | chosen most | error | mean's |",
        "|---|---:|---:|---:|---:|---|---:|---:|",
    ]
    for o in outcomes:
        most, count = max(o.picks.items(), key=lambda item: item[1])
        share = 100 * count / sum(o.picks.values())
        lines.append(
            f"| {o.name} | {o.chosen:.1f} | {o.dearest:.1f} | {o.largest:.1f} | {o.best:.1f} "
            f"| {most} {share:.0f} % | {o.model_error:.3f} | {o.mean_error:.3f} |"
        )
    return "\n".join([*lines, ""])


def half_known_table(outcomes: Sequence[HalfKnown]) -> str:
    """Returns the report's table of half-known pools."""
    lines = [
        "| records | estimates | mean of the known | known models only | all known | best single |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {o.name} | {o.chosen:.1f} | {o.with_mean:.1f} | {o.known_only:.1f} "
        f"| {o.all_known:.1f} | {o.best:.1f} |"
        for o in outcomes
    ]
    return "\n".join([*lines, ""])


def report(data: Path, artifact: Path) -> str:
    """Returns the report on every pool that the folder has."""
    runtime = Runtime.open(load_artifact(artifact), intra_op_threads=1)
    unknown, half = [], []
    for pool, files in POOLS.items():
        for name in files:
            path = data / pool / f"{name}.jsonl.gz"
            if not path.exists():
                continue
            records = read_records(path)
            models = sorted({m for record in records for m in record.scores})
            label, prices = f"{pool}, {name}", load_prices(PRICES, models)
            unknown.append(measure(label, records, prices, runtime))
            if pool in KNOWN_POOLS:
                half.append(measure_half_known(label, records, prices, runtime))
    return f"{HEAD}{table(unknown)}\n{HALF}{half_known_table(half)}"


def main() -> None:
    """Runs from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("ROUTEMOA_DATA"))
    parser.add_argument("--artifact", type=Path, default=default_artifact_path())
    options = parser.parse_args()
    sys.stdout.write(report(options.data, options.artifact))


if __name__ == "__main__":
    main()
