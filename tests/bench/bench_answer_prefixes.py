"""Measures what the beginning of an answer tells: `python -m tests.bench.bench_answer_prefixes > PAGE`.

For each part of the text that is read, an answer scorer learns from answers that are cut there, on four
fifths of the training queries, and is measured on the last fifth. Test files are not looked at. Needs
torch.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from scorer.data.records import read_records
from scorer.data.responses import read_responses
from scorer.data.splits import fold_of
from scorer.training.answers.answer_examples import AnswerExamples, make_answer_examples
from scorer.training.answers.answer_learner import learn_answers
from scorer.training.answers.answer_training import measured
from scorer.training.answers.prior_scores import prior_scores
from scorer.training.mixture.examples import record_examples
from scorer.training.mixture.learner import learn
from scorer.training.recipe import LearnerConfig
from tests.bench.page_head import page_head

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from scorer.data.records import Record

HEAD = """\
| pool | part read | loss | AUC | right answers ended, % of queries | wrong ones | text spared, % |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |
"""
PARTS = (0.0, 0.25, 0.5, 0.75, 1.0)
FOLDS = 5
SEED = 1
RIGHT_LOST = (0.005, 0.01)
"""Right answers that may be ended, as shares of the queries."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pool:
    """The training queries of a pool, with answers and prior scores."""

    name: str
    records: Sequence[Record]
    answers: Sequence[Mapping[str, str]]
    models: tuple[str, ...]
    priors: npt.NDArray[np.floating]
    """Scores by the labels of other folds, (N, M)."""
    held_out: npt.NDArray[np.bool_]
    """The queries that are measured, (N,)."""


def read(folder: Path) -> Pool:
    """Reads the training file of a pool, and scores each query by the labels of others."""
    path = folder / "train.jsonl.gz"
    found = read_responses(path)
    records = [record for record in read_records(path) if record.id in found]
    answers = [found[record.id] for record in records]
    models = tuple(sorted({model for given in answers for model in given}))
    config = LearnerConfig()
    queries = record_examples(records, models, ngram_buckets=config.ngram_buckets, embeddings=None)
    learned = learn(queries, config=config, seed=SEED)
    folds = np.array([fold_of(record.query, FOLDS, SEED) for record in records])
    return Pool(
        name=folder.name,
        records=records,
        answers=answers,
        models=models,
        priors=prior_scores(learned, queries, SEED),
        held_out=folds == 0,
    )


def rows(pool: Pool, part: float) -> list[str]:
    """Returns the figures of a part of the text: how well it tells, and what an early end spares."""
    cut = [
        {model: text[: round(part * len(text))] for model, text in given.items()}
        for given in pool.answers
    ]
    examples = make_answer_examples(pool.records, cut, pool.priors, pool.models)
    kept = pool.held_out[examples.queries]
    model = learn_answers(examples.part(~kept), seed=SEED)
    tried = examples.part(kept)
    found = measured(model, tried)
    names = [tried.model_ids[column] for column in tried.models]
    scores = model.scores(tried.features, names, 1 / (1 + np.exp(-tried.odds)))
    shown = f"| {pool.name} | {100 * part:.0f} % | {found.loss:.4f} | {found.auc:.3f} |"
    if part in {0.0, 1.0}:
        return [f"{shown} | | |"]
    return [f"{shown} {spared(pool, tried, scores, part, lost)} |" for lost in RIGHT_LOST]


def spared(
    pool: Pool, tried: AnswerExamples, scores: npt.NDArray[np.floating], part: float, lost: float
) -> str:
    """Returns what is ended if the answer of the best model may be ended at one score.

    The score is the highest at which no more right answers are lost. The text spared is what these
    models would have written, less what was read; the call that then follows costs extra.
    """
    best = pool.priors.argmax(axis=1)
    first = tried.models == best[tried.queries]
    scores, targets = scores[first], tried.targets[first]
    lengths = np.array(
        [
            len(pool.answers[row].get(pool.models[column], ""))
            for row, column in zip(tried.queries[first], tried.models[first], strict=True)
        ]
    )
    order = np.argsort(scores)
    count = int(np.searchsorted(np.cumsum(targets[order]), lost * len(scores), side="right"))
    ended = order[:count]
    right = 100 * targets[ended].sum() / len(scores)
    wrong = 100 * (1 - targets[ended]).sum() / len(scores)
    text = 100 * (1 - part) * lengths[ended].sum() / lengths.sum()
    return f"{right:.1f} | {wrong:.1f} | {text:.1f}"


def main() -> None:
    """Prints the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("ROUTEMOA_DATA"))
    parser.add_argument("--pools", nargs="+", default=["mmlupro28", "zeroeval29"])
    options = parser.parse_args()
    write = sys.stdout.write
    write(
        page_head(
            "Beginnings of answers",
            "Can an answer be ended early, because its beginning shows that it will be wrong?",
            """Command: `python -m tests.bench.bench_answer_prefixes --data $ROUTEMOA_DATA`. Training
            queries of the recorded pools: an answer scorer learns from answers of four fifths of the
            queries, cut at a part of their length, and is measured on the others. Loss and AUC are as
            on [the page of the answer scorer](answer-scorer.md), means over the models.""",
            """The last columns let the first model of each query be ended if its score is low. The
            threshold is the highest that ends so few right answers. *Text spared* is the part of all
            text of first answers that is not written then. The call that takes its place is not
            counted.""",
        )
        + HEAD
    )
    for name in options.pools:
        pool = read(options.data / name)
        for part in PARTS:
            for row in rows(pool, part):
                write(row + "\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
