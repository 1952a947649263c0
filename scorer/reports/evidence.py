"""An artifact, records and training records -> all that the pictures of the artifact are made of.

``records -> scores, teams, uncertainty (by the graph), targets (labels), means (training records)``
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorer.data.records import targets_of
from scorer.evaluation.evaluate import known_part
from scorer.measures.ranking import mean_by_model, ranking_outcomes
from scorer.progress import track
from scorer.runtime.batches import length_buckets

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from scorer.data.records import Record
    from scorer.runtime.runtime import Runtime

    Floats = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """N records with a label, read by one artifact; M models that both know."""

    version: str
    artifact_model_ids: tuple[str, ...]
    """All models of the artifact, labelled or not."""
    model_ids: tuple[str, ...]
    record_ids: tuple[str, ...]
    tasks: tuple[str, ...]
    scores: Floats
    """(N, M)"""
    teams: Floats
    """Preferences (N, M) in the order in which models join the team of a query."""
    uncertainty: Floats
    """As the artifact says it, (N,)."""
    targets: Floats
    """(N, M), NaN where there is no label."""
    train_means: Floats
    """Each model's mean in the training records, (M,)."""

    @property
    def best_single(self) -> int:
        """The column of the model that is best on the training records."""
        return int(self.train_means.argmax())

    @property
    def first_choices(self) -> npt.NDArray[np.intp]:
        """The column of each query's first choice among its labelled models, (N,)."""
        choices: npt.NDArray[np.intp] = np.where(
            np.isnan(self.targets), -np.inf, self.scores
        ).argmax(axis=1)
        return choices

    @property
    def outcomes(self) -> Floats:
        """What the first choices scored, (N,)."""
        return ranking_outcomes(self.scores, self.targets).scores

    @property
    def safe_outcomes(self) -> Floats:
        """What always taking the model that is best on the training records scored, (N,)."""
        return ranking_outcomes(self.train_preferences, self.targets).scores

    @property
    def train_preferences(self) -> Floats:
        """The training records' means as preferences, the same for every query, (N, M)."""
        return np.tile(self.train_means, (len(self.targets), 1))

    def take(self, rows: Sequence[int]) -> Evidence:
        """Returns the given records."""
        return dataclasses.replace(
            self,
            record_ids=tuple(self.record_ids[row] for row in rows),
            tasks=tuple(self.tasks[row] for row in rows),
            scores=self.scores[rows],
            teams=self.teams[rows],
            uncertainty=self.uncertainty[rows],
            targets=self.targets[rows],
        )


def gather(
    runtime: Runtime, records: Sequence[Record], *, train: Sequence[Record], batch_size: int
) -> Evidence:
    """Reads the records with an artifact.

    Args:
        runtime: The artifact.
        records: What to look at; those without a label of a known model are left out.
        train: Other records, which say what the best single model is.
        batch_size: Queries read together.

    Raises:
        NoKnownModelError: No record has a label for a model that the artifact knows.
    """
    model_ids, kept = known_part(runtime, records)
    scores, teams, uncertainty = _read(runtime, [record.query for record in kept], batch_size)
    columns = [runtime.model_ids.index(model_id) for model_id in model_ids]
    return Evidence(
        version=runtime.version,
        artifact_model_ids=tuple(runtime.model_ids),
        model_ids=model_ids,
        record_ids=tuple(record.id for record in kept),
        tasks=tuple(record.task for record in kept),
        scores=scores[:, columns],
        teams=teams[:, columns],
        uncertainty=uncertainty,
        targets=targets_of(kept, model_ids),
        train_means=mean_by_model(targets_of(train, model_ids)),
    )


def _read(runtime: Runtime, texts: Sequence[str], batch_size: int) -> tuple[Floats, Floats, Floats]:
    queries = [runtime.tokenize(text) for text in texts]
    shape = (len(queries), len(runtime.model_ids))
    scores, teams = np.empty(shape, dtype=np.float32), np.empty(shape, dtype=np.float32)
    uncertainty = np.empty(len(queries))
    # In the order of joining; a model that has no label is passed over later, for the next one.
    ranks = -np.arange(shape[1], dtype=np.float32)
    for rows in track(length_buckets(queries, batch_size), f"Reading with {runtime.version}"):
        batch = [queries[row] for row in rows]
        reading = runtime.read(batch)
        scores[rows], uncertainty[rows] = reading.scores, reading.uncertainty
        order = runtime.team(batch, shape[1])
        teams[np.asarray(rows)[:, None], order] = ranks
    return scores, teams, uncertainty
