"""Measures the answer scorer on recorded answers: `python -m tests.bench.bench_answer_scorer > PAGE`.

Queries and answers are those of the test files below `--data`; the prior scores are those of the scorer
that is shipped, which learned from the training files alone.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from scorer import Runtime, default_artifact_path, load_artifact
from scorer.answers.answer_artifact import load_answer_artifact
from scorer.answers.answer_features import answer_features, read_query
from scorer.answers.answer_scores import answer_scores
from scorer.data.records import read_records
from scorer.data.responses import read_responses
from scorer.measures.answer_gain import answer_gain
from scorer.training.answers.answer_examples import AnswerExamples, make_answer_examples
from scorer.training.answers.disguises import ALL
from tests.bench.answer_cascade import cascade_table
from tests.bench.page_head import page_head

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from scorer.answers.answer_model import AnswerModel
    from scorer.data.records import Record

GAIN_HEAD = """\
## What the text adds

Loss is the mean binary cross-entropy, AUC the area under the ROC curve, both averaged over the
models. Loss saved has a 95 % interval, paired by query. The last row of a pool has the
weights that all models share; but these models were learned from.

| pool | score | loss | AUC | calibration error | of each model alone | loss saved |
| --- | --- | ---: | ---: | ---: | ---: | --- |
"""
DISGUISE_HEAD = """

## Wrong answers in disguise

By how much the score of a wrong answer rises if its form is changed. No text adds more than 2 to
the log odds of the prior score.

| pool | disguise | mean rise, points | 95 % of rises below | largest |
| --- | --- | ---: | ---: | ---: |
"""
CASCADE_HEAD = """
## A cascade that reads

The rule of `cascade` on every test query, with prior scores and with answer scores, 0.7 of whose log
odds count. Dollars are list prices, and intervals are paired by query.

"""
BATCH = 64
DISGUISED = 300
"""Wrong answers per pool that are disguised."""
TIMED = 200
TIMED_CHARACTERS = 2_000
"""Some 500 tokens."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recorded:
    """The test queries of a pool, with answers and prior scores."""

    name: str
    records: Sequence[Record]
    answers: Sequence[Mapping[str, str]]
    models: tuple[str, ...]
    priors: npt.NDArray[np.floating]
    """(N, M)."""
    examples: AnswerExamples


def read(folder: Path, runtime: Runtime, model: AnswerModel) -> Recorded:
    """Reads the test files of a pool, and scores its queries."""
    records = read_records(folder / "test.jsonl.gz")
    found = read_responses(folder / "test.jsonl.gz")
    answers = [found[record.id] for record in records]
    models = tuple(sorted({each for given in answers for each in given} & {*runtime.model_ids}))
    queries = [runtime.tokenize(record.query) for record in records]
    parts = [runtime.score(queries[i : i + BATCH]) for i in range(0, len(queries), BATCH)]
    columns = [runtime.model_ids.index(each) for each in models]
    priors = np.concatenate(parts)[:, columns].astype(np.float64)
    examples = make_answer_examples(records, answers, priors, models)
    unknown = sorted({*models} - {*model.model_ids})
    assert not unknown, unknown
    return Recorded(
        name=folder.name,
        records=records,
        answers=answers,
        models=models,
        priors=priors,
        examples=examples,
    )


def gain_rows(pool: Recorded, model: AnswerModel) -> str:
    """Returns the figures of the prior alone, of the scorer, and of it for models not known."""
    examples = pool.examples
    priors = 1 / (1 + np.exp(-examples.odds))
    names = [examples.model_ids[column] for column in examples.models]
    rows = []
    for way, known in (("with the text", True), ("as of models not known", False)):
        scores = model.scores(examples.features, names if known else [""] * len(names), priors)
        found = answer_gain(scores, priors, examples.targets, examples.models, examples.queries)
        if known:
            rows.append(
                f"| {pool.name} | prior score alone | {found.prior_loss:.4f} | "
                f"{found.prior_auc:.3f} | | | |"
            )
        gain = found.gain
        rows.append(
            f"| {pool.name} | {way} | {found.loss:.4f} | {found.auc:.3f} | "
            f"{found.calibration_error:.3f} | {found.calibration_error_by_model:.3f} | "
            f"{gain.low:.4f} to {gain.high:.4f} |"
        )
    return "\n".join(rows)


def disguise_rows(pool: Recorded, model: AnswerModel) -> str:
    """Returns by how much each disguise raises the scores of wrong answers."""
    draw = np.random.default_rng(7)
    wrong = [
        (row, each)
        for row, record in enumerate(pool.records)
        for each in pool.models
        if record.scores[each] < 0.5 and pool.answers[row].get(each, "").strip()
    ]
    chosen = [wrong[i] for i in draw.choice(len(wrong), DISGUISED, replace=False)]
    rises = np.array([_rises(pool, model, row, each, draw) for row, each in chosen])
    rows = []
    for column, disguise in enumerate(ALL):
        ours = 100 * rises[:, column]
        rows.append(
            f"| {pool.name} | {disguise.__name__.replace('_', ' ')} | {ours.mean():+.1f} | "
            f"{np.quantile(ours, 0.95):+.1f} | {ours.max():+.1f} |"
        )
    return "\n".join(rows)


def _rises(
    pool: Recorded, model: AnswerModel, row: int, each: str, draw: np.random.Generator
) -> npt.NDArray[np.floating]:
    query, text = pool.records[row].query, pool.answers[row][each]
    texts = [text, *(disguise(query, text, draw) for disguise in ALL)]
    features = answer_features(read_query(query), texts)
    prior = np.full(len(texts), pool.priors[row, pool.models.index(each)])
    scores = model.scores(features, [each] * len(texts), prior)
    rises: npt.NDArray[np.floating] = scores[1:] - scores[0]
    return rises


def milliseconds(pool: Recorded, model: AnswerModel) -> float:
    """Returns the processor time of one answer of about 500 tokens, query included."""
    texts = [text for given in pool.answers for text in given.values() if len(text) > 400]
    texts = [(text * 5)[:TIMED_CHARACTERS] for text in texts[:TIMED]]
    query, prior = pool.records[0].query, {pool.models[0]: 0.5}
    started = time.process_time()
    for text in texts:
        answer_scores(model, query, {pool.models[0]: text}, prior)
    return 1000 * (time.process_time() - started) / len(texts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--artifact", type=Path, default=Path("scorer/artifacts/answers"))
    parser.add_argument("--pools", nargs="+", default=["mmlupro28", "zeroeval29"])
    options = parser.parse_args()
    runtime = Runtime.open(load_artifact(default_artifact_path()))
    artifact = load_answer_artifact(options.artifact)
    pools = [read(options.data / name, runtime, artifact.model) for name in options.pools]
    write = sys.stdout.write
    write(
        page_head(
            "Answer scorer",
            "How much does the text of an answer say about whether it is right, and what is that worth "
            "to a cascade?",
            "Command: `python -m tests.bench.bench_answer_scorer --data $ROUTEMOA_DATA`. Test files of "
            f"the recorded pools; prior scores of `{runtime.version}`, answers read by "
            f"`{artifact.manifest.version}`. Both learned from the training files alone.",
        )
    )
    write(GAIN_HEAD + "\n".join(gain_rows(pool, artifact.model) for pool in pools))
    write(DISGUISE_HEAD + "\n".join(disguise_rows(pool, artifact.model) for pool in pools))
    spent = milliseconds(pools[0], artifact.model)
    write(f"\n\nAn answer of {TIMED_CHARACTERS:,} characters takes {spent:.2f} ms of one core.\n")
    write(CASCADE_HEAD + cascade_table(options.data, pools, artifact.model))


if __name__ == "__main__":
    main()
