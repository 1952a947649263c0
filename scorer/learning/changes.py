"""The models whose answers changed, by the router's decisions and the feedback on them.

Learning looks for changes, too, and corrects the scores. This corrects nothing and needs no onnx: it is
cheap enough to run each hour.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scorer.learning.fit import fit
from scorer.learning.labelling import label
from scorer.learning.prior_scores import prior_scores
from scorer.learning.traffic.traffic import TrafficError
from scorer.runtime.runtime import Runtime

if TYPE_CHECKING:
    from datetime import datetime

    from scorer.learning.fit import Found
    from scorer.learning.traffic.traffic import Traffic
    from scorer.runtime.artifact import Artifact


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChange:
    """The last change of a model."""

    model_id: str
    gain: float
    """Change of its mean feedback beyond what the artifact expects; below 0 if it became worse."""
    since: datetime
    """Time of the first answer after the change."""
    labels_after: int
    """Number of its labels since then."""

    @property
    def sentence(self) -> str:
        """The change in words."""
        kind = "better" if self.gain > 0 else "worse"
        when = self.since.isoformat(timespec="minutes")
        return f"{kind} by {100 * abs(self.gain):.0f} points since {when}"


def changes_in(traffic: Traffic, artifact: Artifact) -> list[ModelChange]:
    """Returns the changed models, the worst first.

    Args:
        traffic: The decisions and the feedback.
        artifact: The scores that feedback is compared with; a constant error of a model does no harm.

    Raises:
        TrafficError: No decision can be used.
    """
    if not traffic.decisions:
        raise TrafficError(artifact.path, ["nothing to look at: no decision has text and feedback"])
    runtime = Runtime.open(artifact)
    used = {model_id for each in traffic.decisions for model_id in each.answered}
    unknown = sorted(used - set(runtime.model_ids))
    prior = prior_scores(runtime, [each.query for each in traffic.decisions], unknown)
    labels = label(traffic, prior.model_ids, now=traffic.decisions[-1].time)
    found = fit(prior.logits, prior.shares, labels, known=len(runtime.model_ids)).changes
    changes = [change_of(prior.model_ids[model], each, traffic) for model, each in found.items()]
    return sorted(changes, key=lambda change: change.gain)


def change_of(model_id: str, found: Found, traffic: Traffic) -> ModelChange:
    """Returns what was found of a model."""
    return ModelChange(
        model_id=model_id,
        gain=found.change.after - found.change.before,
        since=traffic.decisions[found.row].time,
        labels_after=found.labels_after,
    )
