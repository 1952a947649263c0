"""The report of a learning run: what was used, what moved, and what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorer.learning.changes import change_of
from scorer.training.calibrate import sigmoid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scorer.learning.fit import Fitted
    from scorer.learning.prior_scores import PriorScores
    from scorer.learning.traffic.traffic import Traffic
    from scorer.measures.traffic_gain import TrafficGain

DISTRUSTED = 0.5
"""Tenants that are trusted less are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelReport:
    """One model: its labels and its scores."""

    model_id: str
    labels: int
    before: float
    """Mean score on the traffic by the artifact."""
    after: float
    """The same, corrected."""
    standard_error: float
    """Standard error of ``after``."""
    changed: str
    """A change and its time; empty if nothing did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The result of a learning run."""

    version: str
    decisions: int
    """Decisions with feedback."""
    models: tuple[ModelReport, ...]
    unknown_model_ids: tuple[str, ...]
    """Models with too few labels to be added."""
    distrusted_tenants: tuple[str, ...]
    comparison: TrafficGain
    left_out: dict[str, int]


def report_of(
    version: str,
    traffic: Traffic,
    prior: PriorScores,
    fitted: Fitted,
    *,
    comparison: TrafficGain,
    added: Sequence[int],
    known: int,
) -> Report:
    """Returns the report; ``added`` are columns of models that the artifact did not know."""
    shown = [c for c in np.flatnonzero(fitted.label_counts) if c < known or c in added]
    tenants = list(dict.fromkeys(each.tenant for each in traffic.decisions))
    unknown = [c for c in range(known, len(prior.model_ids)) if c not in added]
    return Report(
        version=version,
        decisions=len(traffic.decisions),
        models=tuple(_model(int(column), traffic, prior, fitted) for column in shown),
        unknown_model_ids=tuple(prior.model_ids[column] for column in unknown),
        distrusted_tenants=tuple(
            tenant
            for tenant, trust in zip(tenants, fitted.trust, strict=True)
            if trust < DISTRUSTED
        ),
        comparison=comparison,
        left_out=dict(traffic.left_out),
    )


def _model(column: int, traffic: Traffic, prior: PriorScores, fitted: Fitted) -> ModelReport:
    logits = prior.logits[:, column]
    after = sigmoid(logits + prior.shares @ fitted.correction.shifts[column])
    slope = float((after * (1 - after)).mean())
    found = fitted.changes.get(column)
    model_id = prior.model_ids[column]
    return ModelReport(
        model_id=model_id,
        labels=int(fitted.label_counts[column]),
        before=float(sigmoid(logits).mean()),
        after=float(after.mean()),
        standard_error=slope * float(fitted.correction.standard_errors[column]),
        changed="" if found is None else change_of(model_id, found, traffic).sentence,
    )
