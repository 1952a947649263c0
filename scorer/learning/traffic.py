"""Decision records and feedback, read from files and joined.

A file may hold decisions, feedback or both, one JSON object per line. A directory is one that routers
write to. If a line is bad, nothing is used, and all problems are reported.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scorer.data.lines import NotAnObjectError, Problems, numbered_lines, parse_object
from scorer.learning.decided import Decided, read_decided
from scorer.learning.feedback_line import BadLineError, Feedback, newest, read_feedback
from scorer.runtime.fields import ProblemsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

NO_TEXT = "decisions without the query's text (see records_keep_text)"
NO_ANSWER = "decisions without an answer"
NO_DECISION = "feedback on decisions that are not in the records"
REPLACED = "feedback that newer feedback of the same source replaces"


class TrafficError(ProblemsError):
    """Raised when decisions or feedback cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Answered queries with their text, oldest first, and what was said of them."""

    decisions: tuple[Decided, ...]
    feedback: Mapping[str, Sequence[Feedback]]
    """The newest of each source, by decision."""
    left_out: Counter[str]
    """Numbers of lines that are not used, by reason."""


@dataclass(slots=True)
class _Lines:
    decisions: dict[str, Decided] = field(default_factory=dict)
    feedback: dict[tuple[str, str], Feedback] = field(default_factory=dict)

    def add(self, document: dict[str, object]) -> None:
        """Adds a line; the same line twice, as after an unclear commit, counts once."""
        if "feedback_id" in document:
            found = read_feedback(document)
            self.feedback[found.decision_id, str(document["feedback_id"])] = found
        else:
            decided = read_decided(document)
            self.decisions[decided.id] = decided


def read_traffic(paths: Sequence[Path]) -> Traffic:
    """Reads files of JSON lines, plain or gzip, and directories of ``*.jsonl.gz``.

    Raises:
        TrafficError: A line cannot be read, or there is no decision.
    """
    problems, lines = Problems(), _Lines()
    for path in _files(paths, problems):
        seen = Problems()
        for number, text in numbered_lines(path, seen):
            try:
                lines.add(parse_object(text))
            except NotAnObjectError as error:
                seen.add(f"line {number}: {error}")
            except BadLineError as error:
                seen.add(f"line {number}: {error}")
        for problem in seen.listed:
            problems.add(f"{path}: {problem}")
        problems.unlisted += seen.unlisted
    if not problems and not lines.decisions:
        problems.add("there is no decision record")
    if problems:
        raise TrafficError(paths[0], problems.listed, unlisted=problems.unlisted)
    return _joined(lines)


def _joined(lines: _Lines) -> Traffic:
    left_out: Counter[str] = Counter()
    kept = []
    for decided in lines.decisions.values():
        if not decided.answered:
            left_out[NO_ANSWER] += 1
        elif not decided.query.strip():
            left_out[NO_TEXT] += 1
        else:
            kept.append(decided)
    known = [each for each in lines.feedback.values() if each.decision_id in lines.decisions]
    feedback = newest(known)
    left_out[NO_DECISION] += len(lines.feedback) - len(known)
    left_out[REPLACED] += len(known) - sum(map(len, feedback.values()))
    kept.sort(key=lambda decided: (decided.time, decided.id))
    return Traffic(decisions=tuple(kept), feedback=feedback, left_out=+left_out)


def _files(paths: Sequence[Path], problems: Problems) -> Iterator[Path]:
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        files = sorted(path.glob("*.jsonl.gz"))
        if not files:
            problems.add(f"{path}: has no *.jsonl.gz; the router finishes a file when it ends")
        yield from files
