"""One piece of feedback on an answer. Pure."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.router.decision_records.feedback_record import FeedbackSource

_DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One source's word on one decision; at least one of the last three fields is set."""

    decision_id: str
    feedback_id: str
    source: FeedbackSource
    score: float | None = None
    preferred_model_id: str | None = None
    better_answer: str | None = dataclasses.field(default=None, repr=False)

    @property
    def key(self) -> str:
        """A hash of the decision and the feedback id."""
        return _digest([self.decision_id, self.feedback_id]).hex()

    @property
    def fingerprint(self) -> bytes:
        """A hash of all that it says."""
        content = [self.source, self.score, self.preferred_model_id, self.better_answer]
        return _digest(content)


def _digest(values: Sequence[object]) -> bytes:
    text = json.dumps(list(values)).encode()
    return hashlib.blake2b(text, digest_size=_DIGEST_BYTES).digest()
