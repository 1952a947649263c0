"""Recorded answers of real models: routing records and responses on disk -> replies, verbatim.

Nothing is made up: no model scores itself, and a model's grade of a reference only tells whether it
agrees with the model's own answer. The image of the simulator lacks the scorer package, so this reads
the few fields of routing records that it needs.
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
    """Grades that recorded models give to references."""

    AGREEMENT = "agreement"
    """1 for a reference with the model's own recorded answer, 0 for another answer."""
    NONE = "none"


class RecordingError(ValueError):
    """Raised for files in another format; its text names file, line and problem."""


class _RecordLine(BaseModel):
    id: str
    query: str
    question: str | None = None
    """The actual question, if ``query`` is a whole prompt with worked examples."""
    responses: dict[str, str] = {}
    cost_usd: dict[str, float] = {}


class _ResponsesLine(BaseModel):
    id: str
    responses: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedQuery:
    """Every model's answer to one query, with its cost if that is known."""

    responses: Mapping[str, str]
    cost_usd: Mapping[str, float]
    extra_prompt_tokens: int = 0
    """Tokens of the recorded prompt that the question leaves out, such as worked examples: they are
    part of the recorded cost."""


class RecordedAnswers:
    """Replays recorded queries, found by the exact text of the query."""

    def __init__(
        self, queries: Mapping[str, RecordedQuery], grading: Grading = Grading.AGREEMENT
    ) -> None:
        self._queries = {text.strip(): recorded for text, recorded in queries.items()}
        self._grading = grading
        self._models = sorted({model for q in queries.values() for model in q.responses})

    @property
    def models(self) -> Sequence[str]:
        """Every model that answered at least one query."""
        return self._models

    def reply(self, call: Call) -> Reply:
        """Returns the recorded reply, or for a call with references the one that most agree with.

        Raises:
            NoAnswerError: This model's answer to this query is not recorded.
        """
        recorded = self._queries.get(call.query.strip())
        if recorded is None:
            raise NoAnswerError("the query is not recorded")
        reply = self._recorded_reply(call, recorded)
        return replace(reply, extra_prompt_tokens=recorded.extra_prompt_tokens)

    def _recorded_reply(self, call: Call, recorded: RecordedQuery) -> Reply:
        if call.purpose is Purpose.AGGREGATION:
            return Reply(text=_by_agreement(call.references)[0].text)
        if call.purpose is Purpose.SELECTION:
            keep = [reference.label for reference in _by_agreement(call.references)]
            return Reply(text=call.verdict(keep=keep))
        if call.purpose is Purpose.MODERATION:
            keys = {answer_key(reference.text) for reference in call.references}
            return Reply(text=call.verdict(over=len(keys) == 1 and None not in keys))
        if call.model not in recorded.responses:
            raise NoAnswerError(f"no answer of {call.model!r} to this query is recorded")
        text = recorded.responses[call.model]
        grades = _agreement(text, call.references) if self._grading is Grading.AGREEMENT else {}
        # The recorded cost is that of the query alone. A call with references reads more: the router
        # prices it by its tokens.
        cost_usd = None if call.references else recorded.cost_usd.get(call.model)
        return Reply(text=call.assessed(text, grades=grades), cost_usd=cost_usd)


def load_recorded_queries(records: Path, responses: Path | None = None) -> dict[str, RecordedQuery]:
    """Loads recorded queries by their text.

    Args:
        records: JSON lines (gzip by suffix .gz) with ``id``, ``query`` or ``question``, and
            optionally ``responses`` and ``cost_usd`` by model.
        responses: JSON lines with ``id`` and ``responses``, if the records hold none.

    Raises:
        OSError: A file cannot be read.
        RecordingError: Lines are not in the format; the first ten are named.
    """
    by_id = (
        {} if responses is None else {r.id: r.responses for r in _read(responses, _ResponsesLine)}
    )
    queries: dict[str, RecordedQuery] = {}
    for record in _read(records, _RecordLine):
        texts = record.responses or by_id.get(record.id, {})
        # Of records with the same text the first is kept, so that a replay is repeatable.
        queries.setdefault(
            record.question or record.query,
            RecordedQuery(
                responses=texts,
                cost_usd=record.cost_usd,
                extra_prompt_tokens=_extra_prompt_tokens(record),
            ),
        )
    if not any(recorded.responses for recorded in queries.values()):
        raise RecordingError(f"{records}: no record has responses; is a responses file missing?")
    return queries


def _extra_prompt_tokens(record: _RecordLine) -> int:
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
        raise RecordingError("\n".join(problems))
    return lines


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            yield from file
    except (gzip.BadGzipFile, EOFError) as error:
        raise RecordingError(f"{path}: not a gzip file: {error}") from None


def _agreement(own_text: str, references: Sequence[Reference]) -> dict[str, float]:
    own_key = answer_key(own_text)
    if own_key is None:
        return {}
    return {r.label: float(answer_key(r.text) == own_key) for r in references}


def _by_agreement(references: Sequence[Reference]) -> list[Reference]:
    """Returns the references, sorted by the number of others that agree; ties keep their order.

    This replaces a merged answer or a judgement, which a recording does not hold.
    """
    keys = {reference.label: answer_key(reference.text) for reference in references}
    counts = Counter(key for key in keys.values() if key is not None)
    return sorted(references, key=lambda r: -counts.get(keys[r.label] or "", 0))
