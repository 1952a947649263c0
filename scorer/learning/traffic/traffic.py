"""Answered queries and what was said of them: decisions and feedback, joined."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scorer.data.lines import NotAnObjectError, parse_object
from scorer.learning.traffic.decided import Decided, read_decided
from scorer.learning.traffic.feedback_line import BadLineError, Feedback, newest, read_feedback
from scorer.runtime.fields import ProblemsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NO_FEEDBACK = "decisions without feedback"
NO_TEXT = "decisions without the query's text (see records_keep_text)"
NO_ANSWER = "decisions without an answer"
NO_DECISION = "feedback on decisions that are not in the records"
REPLACED = "feedback that newer feedback of the same source replaces"


class TrafficError(ProblemsError):
    """Raised when decisions or feedback cannot be read."""


class NoTrafficError(TrafficError):
    """Raised when there is nothing to read yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Answered queries with their text, oldest first, and what was said of them."""

    decisions: tuple[Decided, ...]
    """All have feedback."""
    feedback: Mapping[str, Sequence[Feedback]]
    """The newest of each source, by decision."""
    left_out: Counter[str]
    """Numbers of lines that are not used, by reason."""


@dataclass(slots=True)
class Lines:
    """Lines of decisions and feedback, in any order."""

    decisions: dict[str, Decided] = field(default_factory=dict)
    feedback: dict[tuple[str, str], Feedback] = field(default_factory=dict)

    def add(self, text: str) -> str:
        """Adds a line; the same line twice, as after an unclear commit, counts once.

        Returns:
            The problem of a bad line; empty if there is none.
        """
        try:
            document = parse_object(text)
            if "feedback_id" in document:
                found = read_feedback(document)
                self.feedback[found.decision_id, str(document["feedback_id"])] = found
            else:
                decided = read_decided(document)
                self.decisions[decided.id] = decided
        except (NotAnObjectError, BadLineError) as error:
            return str(error)
        return ""

    def joined(self) -> Traffic:
        """Returns the answered queries that have feedback."""
        known = [each for each in self.feedback.values() if each.decision_id in self.decisions]
        feedback = newest(known)
        left_out: Counter[str] = Counter()
        kept = []
        for decided in self.decisions.values():
            if not decided.final_model_id:
                left_out[NO_ANSWER] += 1
            elif not decided.query.strip():
                left_out[NO_TEXT] += 1
            elif decided.id not in feedback:
                left_out[NO_FEEDBACK] += 1
            else:
                kept.append(decided)
        left_out[NO_DECISION] += len(self.feedback) - len(known)
        left_out[REPLACED] += len(known) - sum(map(len, feedback.values()))
        kept.sort(key=lambda decided: (decided.time, decided.id))
        return Traffic(decisions=tuple(kept), feedback=feedback, left_out=+left_out)
