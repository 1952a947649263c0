"""Answers that real models once gave: records and responses on disk -> replies, word for word.

What a record does not hold is never made up: no model scores itself, and a model's grade of a
reference only says whether the reference agrees with what the model answered itself.
"""

from __future__ import annotations

import enum
import gzip
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError

from services.answer_key import answer_key
from services.simulator.call import Call, NoAnswerError, Purpose, Reference, Reply
from services.simulator.stream import estimate_tokens

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_MAX_PROBLEM_COUNT = 10


class Grading(enum.StrEnum):
    """What replayed models say of references."""

    AGREEMENT = "agreement"
    """1 for a reference whose answer is the model's own recorded answer, 0 for another answer."""
    NONE = "none"


class RecordError(ValueError):
    """Raised for files that are not in the record format; its text names file, line and problem."""


class _Record(BaseModel):
    id: str
    query: str
    question: str | None = None
    """The actual question, where ``query`` is a whole prompt with worked examples."""
    responses: dict[str, str] = {}
    cost_usd: dict[str, float] = {}


class _Responses(BaseModel):
    id: str
    responses: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What every model answered to one query, and what each answer cost where that is known."""

    responses: Mapping[str, str]
    cost_usd: Mapping[str, float]
    unasked_tokens: int = 0
    """Tokens of the recorded prompt, such as worked examples, that the question leaves out: the models
    read them, and they are in the recorded cost."""


class RecordedAnswers:
    """Replays recordings, found by the exact text of the query."""

    def __init__(
        self, recordings: Mapping[str, Recording], grading: Grading = Grading.AGREEMENT
    ) -> None:
        self._recordings = {query.strip(): recording for query, recording in recordings.items()}
        self._grading = grading
        self._models = sorted({model for r in recordings.values() for model in r.responses})

    @property
    def models(self) -> Sequence[str]:
        """Every model that answered at least one query."""
        return self._models

    def reply(self, call: Call) -> Reply:
        """Returns the recorded reply; where one of several is asked for, what most of them agree with.

        Raises:
            NoAnswerError: If this model's answer to this query is not recorded.
        """
        recording = self._recordings.get(call.query.strip())
        if recording is None:
            raise NoAnswerError("the query is not among the recorded ones")
        return replace(self._said(call, recording), unasked_tokens=recording.unasked_tokens)

    def _said(self, call: Call, recording: Recording) -> Reply:
        if call.purpose is Purpose.AGGREGATION:
            return Reply(text=_by_agreement(call.references)[0].text)
        if call.purpose is Purpose.SELECTION:
            keep = [reference.label for reference in _by_agreement(call.references)]
            return Reply(text=call.verdict(keep=keep))
        if call.purpose is Purpose.MODERATION:
            keys = {answer_key(reference.text) for reference in call.references}
            return Reply(text=call.verdict(over=len(keys) == 1 and None not in keys))
        if call.model not in recording.responses:
            raise NoAnswerError(f"no answer of {call.model!r} to this query is recorded")
        text = recording.responses[call.model]
        grades = _agreement(text, call.references) if self._grading is Grading.AGREEMENT else {}
        # The recorded cost is that of the bare query; a call with references reads more, and is
        # left to be priced by its tokens.
        cost_usd = None if call.references else recording.cost_usd.get(call.model)
        return Reply(text=call.assessed(text, grades=grades), cost_usd=cost_usd)


def load_recordings(records: Path, responses: Path | None = None) -> dict[str, Recording]:
    """Loads recordings by query.

    Args:
        records: JSON lines (gzip by suffix .gz) with ``id``, ``query`` or ``question``, and
            optionally ``responses`` and ``cost_usd`` by model.
        responses: JSON lines with ``id`` and ``responses``, where the records hold none.

    Raises:
        OSError: If a file cannot be read.
        RecordError: If lines are not in the format; the first ten are named.
    """
    by_id = {} if responses is None else {r.id: r.responses for r in _read(responses, _Responses)}
    recordings: dict[str, Recording] = {}
    for record in _read(records, _Record):
        texts = record.responses or by_id.get(record.id, {})
        # Of records with the same text the first stays, so that a replay is repeatable.
        recordings.setdefault(
            record.question or record.query,
            Recording(
                responses=texts,
                cost_usd=record.cost_usd,
                unasked_tokens=_unasked_tokens(record),
            ),
        )
    if not any(recording.responses for recording in recordings.values()):
        raise RecordError(f"{records}: no record has responses; is a responses file missing?")
    return recordings


def _unasked_tokens(record: _Record) -> int:
    if record.question is None:
        return 0
    return max(0, estimate_tokens(record.query) - estimate_tokens(record.question))


_Line = TypeVar("_Line", bound=BaseModel)


def _read(path: Path, kind: type[_Line]) -> list[_Line]:
    lines, problems = [], []
    for number, content in enumerate(_lines(path), 1):
        try:
            lines.append(kind.model_validate_json(content))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            problems.append(f"{path}:{number}: {where + ': ' if where else ''}{first['msg']}")
        if len(problems) == _MAX_PROBLEM_COUNT:
            break
    if problems:
        raise RecordError("\n".join(problems))
    return lines


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            yield from file
    except (gzip.BadGzipFile, EOFError) as error:
        raise RecordError(f"{path}: not a gzip file: {error}") from None


def _agreement(own_text: str, references: Sequence[Reference]) -> dict[str, float]:
    own_key = answer_key(own_text)
    if own_key is None:
        return {}
    return {r.label: float(answer_key(r.text) == own_key) for r in references}


def _by_agreement(references: Sequence[Reference]) -> list[Reference]:
    """Returns the references, those that most others agree with first; of equals, the first one first.

    Stands in for a synthesis, or a judgement, which no recording can hold.
    """
    keys = {reference.label: answer_key(reference.text) for reference in references}
    counts = Counter(key for key in keys.values() if key is not None)
    return sorted(references, key=lambda r: -counts.get(keys[r.label] or "", 0))
