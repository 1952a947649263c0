"""The scores of another artifact for recorded queries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scorer import Runtime, load_artifact
from scorer.runtime.team_rule import team_columns
from services.evaluation.decisions.counterfactual import ScorerView

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from scorer.runtime.runtime import Prediction
    from services.router.decision_records.record import DecisionRecord
    from services.router.routing.policy import Policy

_BATCH = 64


class Rescorer:
    """Scores queries with an artifact as the scorer service does.

    Raises:
        ArtifactError: The artifact cannot be used.
    """

    def __init__(self, artifact: Path) -> None:
        self._runtime = Runtime.open(load_artifact(artifact))
        self._columns = {name: column for column, name in enumerate(self._runtime.model_ids)}
        self._success = self._runtime.class_success()

    @property
    def version(self) -> str:
        """The artifact's version."""
        return self._runtime.version

    def views(
        self, records: Sequence[DecisionRecord], policies: Sequence[Policy]
    ) -> list[ScorerView]:
        """Returns the artifact's view of each record; each must hold the query's text.

        Args:
            records: The records (B).
            policies: The policy of each record (B), for the size of its team.
        """
        views: list[ScorerView] = []
        for start in range(0, len(records), _BATCH):
            batch = records[start : start + _BATCH]
            queries = [self._runtime.tokenize(record.query.text or "") for record in batch]
            reading = self._runtime.predict(queries)
            for row, record in enumerate(batch):
                policy = policies[start + row]
                scores = dict(zip(self._columns, reading.scores[row].tolist(), strict=True))
                view = ScorerView(
                    scores=scores,
                    uncertainty=float(reading.uncertainty[row]),
                    team_ids=self._team(reading, row, record, policy.team_size),
                    safe_ids=record.safe_model_ids,
                )
                views.append(view)
        return views

    def _team(
        self, reading: Prediction, row: int, record: DecisionRecord, size: int | None
    ) -> tuple[str, ...]:
        eligible = [note.model_id for note in record.layers[0].ranking] if record.layers else []
        known = [model_id for model_id in eligible if model_id in self._columns]
        columns = [self._columns[model_id] for model_id in known]
        (members,) = team_columns(
            self._runtime.artifact.manifest.team_rule,
            class_weights=reading.class_weights[row : row + 1],
            success=self._success[:, columns],
            scores=reading.scores[row : row + 1, columns],
            count=min(size or 0, len(known)),
        )
        return tuple(known[member] for member in members)
