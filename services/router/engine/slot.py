"""One model at work in a layer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.router.types.ledger import CallStatus

if TYPE_CHECKING:
    from services.router.engine.layer_outcome import Proposal
    from services.router.prompts.replies import Reply


@dataclass(slots=True, kw_only=True, eq=False)
class Seat:
    """One model at work."""

    proposal: Proposal
    silent_until_s: float = math.inf
    """When it has been silent for too long; infinite once it has written."""
    replaced: bool = False
    """Whether another model runs in its place."""
    late: bool = False
    """Whether it was at work when the layer's share of the time was over."""
    status: CallStatus | None = None
    """How its call ended; None while it runs."""

    @property
    def model_id(self) -> str:
        """The model."""
        return self.proposal.call.model.id

    def reply(self) -> Reply | None:
        """Returns what the model replied; None if its call brought no answer."""
        return self.proposal.read() if self.status is CallStatus.OK else None
