"""Chooses the default of `max_uncertainty`: `python -m tests.bench.bench_uncertainty --help`.

Every training query of the shipped artifact is scored by what was learned on others, without the test
files: once on the other four fifths (queries of known kinds), once on all other tasks (a kind that was
never seen). From an uncertainty on, the first-ranked model is compared with the safe one, which is the
best on average where it was learned. Needs torch and the routing data folder.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from scorer import default_artifact_path
from scorer.data.records import model_ids_of
from scorer.data.splits import fold_of
from scorer.runtime.uncertainty import uncertainty
from scorer.training.embedding import recipe_encoder
from scorer.training.embedding_cache import EmbeddingCache
from scorer.training.mixture.examples import Examples, record_examples
from scorer.training.mixture.learner import learn
from scorer.training.recipe import LearnerConfig, read_recipe
from scorer.training.sources import read_sources
from tests.bench.page_head import page_head

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Groups = npt.NDArray[np.str_]

CONFIG = LearnerConfig()
FOLDS = 5
THRESHOLDS = tuple(step / 20 for step in range(4, 13))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judged:
    """N queries that were scored by what was learned on others."""

    uncertainty: Floats
    first: Floats
    """Score of the answer of the first-ranked model, (N,)."""
    safe: Floats
    """The same of the safe model, (N,)."""

    def gain(self, threshold: float) -> Floats:
        """Returns what playing safe gains on each query that is as uncertain as that, in points."""
        return 100 * (self.safe - self.first)[self.uncertainty >= threshold]


def judge(examples: Examples, pools: Groups, groups: Groups, seed: int) -> dict[str, Judged]:
    """Returns, by pool, the queries of each group, scored by what was learned on the other groups."""
    found: dict[str, list[Judged]] = {str(pool): [] for pool in np.unique(pools)}
    for group in np.unique(groups):
        asked, others = np.flatnonzero(groups == group), np.flatnonzero(groups != group)
        learned = learn(subset(examples, others), config=CONFIG, seed=seed)
        queries = subset(examples, asked)
        features = learned.features(queries)
        weights, scores = learned.class_weights(features), learned.scores(features)
        counts = [1] * len(learned.success)
        for pool, judged in found.items():
            rows = pools[asked] == pool
            models = ~np.isnan(examples.targets[pools == pool]).all(axis=0)
            known = examples.targets[others[pools[others] == pool]][:, models]
            if not rows.any():
                continue
            labels, said = queries.targets[rows][:, models], scores[rows][:, models]
            judged.append(
                Judged(
                    uncertainty=uncertainty(weights[rows], counts, said),
                    first=labels[np.arange(len(said)), said.argmax(axis=1)],
                    safe=labels[:, np.nanmean(known, axis=0).argmax()],
                )
            )
    return {pool: _joined(judged) for pool, judged in found.items()}


def subset(examples: Examples, rows: npt.NDArray[np.intp]) -> Examples:
    """Returns some of the examples."""
    embeddings = examples.embeddings
    return Examples(
        texts=[examples.texts[row] for row in rows],
        bags=[examples.bags[row] for row in rows],
        embeddings=None if embeddings is None else embeddings[rows],
        targets=examples.targets[rows],
        weights=examples.weights[rows],
    )


def _joined(parts: Iterable[Judged]) -> Judged:
    """Joins parts; queries on which a label of either model is missing are left out."""
    columns = {
        field.name: np.concatenate([getattr(part, field.name) for part in parts])
        for field in dataclasses.fields(Judged)
    }
    whole = ~np.isnan(columns["first"] + columns["safe"])
    return Judged(**{name: column[whole] for name, column in columns.items()})


def choice(known: Iterable[Judged]) -> float:
    """Returns the least threshold from which on playing safe loses nothing, in any pool."""
    pools = list(known)
    return min(
        threshold
        for threshold in THRESHOLDS
        if all(
            pool.gain(each).sum() >= 0 for pool in pools for each in THRESHOLDS if each >= threshold
        )
    )


def table(known: dict[str, Judged], unknown: dict[str, Judged]) -> str:
    """Returns the report's table."""
    lines = [
        "| pool | from | known kinds, share % | gain | unknown kinds, share % | gain |",
        "|---|---:|---:|---|---:|---|",
    ]
    for pool in known:
        for threshold in THRESHOLDS:
            cells = " | ".join(_cells(part[pool], threshold) for part in (known, unknown))
            lines.append(f"| {pool} | {threshold:.2f} | {cells} |")
    return "\n".join([*lines, ""])


def _cells(judged: Judged, threshold: float) -> str:
    gain = judged.gain(threshold)
    if len(gain) < 2:
        return "0 |"
    half = 1.96 * gain.std(ddof=1) / np.sqrt(len(gain))
    return f"{100 * len(gain) / len(judged.first):.1f} | {gain.mean():+.2f} ± {half:.2f}"


def main() -> None:
    """Runs from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("ROUTEMOA_DATA"))
    parser.add_argument("--cache", type=Path, default=Path("build/embeddings"))
    parser.add_argument("--markdown", type=Path, help="file to write the report to")
    options = parser.parse_args()
    recipe = read_recipe(default_artifact_path() / "recipe.toml")
    records = [
        (each.source.name, record)
        for each in read_sources(recipe, options.data)
        for record in (*each.training, *each.held_out)
    ]
    encoder = recipe_encoder(recipe)
    examples = record_examples(
        [record for _, record in records],
        model_ids=model_ids_of([record for _, record in records]),
        ngram_buckets=CONFIG.ngram_buckets,
        embeddings=None if encoder is None else EmbeddingCache(options.cache, encoder),
    )
    pools = np.array([name for name, _ in records])
    folds = np.array([str(fold_of(text, FOLDS, recipe.seed)) for text in examples.texts])
    known = judge(examples, pools, folds, recipe.seed)
    unknown = judge(examples, pools, np.array([record.task for _, record in records]), recipe.seed)
    heading = page_head(
        "The uncertainty from which safe models should run",
        "From which uncertainty on does the safe model answer as well as the first-ranked model?",
        """Command: `python -m tests.bench.bench_uncertainty`. Setting: training queries of the shipped
        artifact, scored by models that were not trained on them. Known kinds: five folds. Unknown
        kinds: each task is scored by a model that was trained on the other tasks.""",
        """The *share* columns give the queries with at least this uncertainty. The *gain* columns give
        right answers of the model that is best on average less those of the first-ranked model, in
        points with 95 % intervals, on these queries.""",
    )
    report = (
        f"{heading}{table(known, unknown)}\n"
        f"The default of `max_uncertainty` is {choice(known.values()):.2f}. It is the least of these "
        "values from which on\nthe safe model loses nothing on known kinds, in any pool.\n"
    )
    sys.stdout.write(report)
    if options.markdown:
        options.markdown.write_text(report, encoding="utf-8")


if __name__ == "__main__":
    main()
