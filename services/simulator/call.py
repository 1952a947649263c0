"""A call to a backend and its reply: messages -> Call -> Reply.

The purpose of a call is read from two marks that the router writes into the messages: a nonce for the
line of scores or of a verdict in the system message, or in the first user message if there is none, and
quoted references at the end of the last user message.
"""

from __future__ import annotations

import enum
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_MARK = re.compile(r"@@(assessment|selection|moderation) ([0-9a-f]{8})")
_LAST_END_MARK = re.compile(r"@@end ([0-9a-f]{8}) R\d+\s*\Z")


class Purpose(enum.StrEnum):
    """The purpose of a call."""

    PLAIN = "plain"
    PROPOSAL = "proposal"
    AGGREGATION = "aggregation"
    SELECTION = "selection"
    MODERATION = "moderation"


_PURPOSE_OF_MARK = {
    "assessment": Purpose.PROPOSAL,
    "selection": Purpose.SELECTION,
    "moderation": Purpose.MODERATION,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A request of a model to call a tool."""

    name: str
    arguments: str
    id: str = "call_00000000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A tool that a model may call."""

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of a request that change what a model says."""

    tools: tuple[Tool, ...] = ()
    tool_choice: str = "auto"
    """`auto`, `none`, `required`, or `=` and the name of a tool."""
    parallel_tool_calls: bool = True
    json_schema: Mapping[str, Any] | None = None
    """The schema of a JSON reply; None for text."""
    seed: int | None = None
    reasoning_effort: str = ""


NO_OPTIONS = Options()


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One turn of the conversation that a backend receives."""

    role: str
    content: str
    media: tuple[str, ...] = ()
    """The kind of each image, audio or file, and where it comes from."""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Another model's answer, quoted to this one under a label such as ``R1``."""

    label: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call to one model."""

    model: str
    messages: tuple[Message, ...]
    query: str
    """The last user message, without the references that the router appended."""
    references: tuple[Reference, ...]
    purpose: Purpose
    nonce: str | None
    """Marks the line of scores or of the verdict; None if the call asks for neither."""
    options: Options = NO_OPTIONS

    def assessed(
        self,
        text: str,
        *,
        self_score: float | None = None,
        grades: Mapping[str, float] | None = None,
    ) -> str:
        """Returns ``text`` with an assessment line, if the call asks for one."""
        assessment: dict[str, object] = {}
        if self_score is not None:
            assessment["self_score"] = self_score
        if grades:
            assessment["grades"] = dict(grades)
        if self.nonce is None or not assessment:
            return text
        return f"{text}\n@@assessment {self.nonce} {json.dumps(assessment)}"

    def verdict(self, **fields: object) -> str:
        """Returns a verdict: with ``keep`` for a selection, with ``over`` for a moderation."""
        return f"Having compared them:\n@@{self.purpose} {self.nonce} {json.dumps(fields)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A model's reply: its raw text, what comes beside it, and its cost if the source knows it."""

    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    refusal: str = ""
    """Comes in place of the text."""
    reasoning: str = ""
    """Comes before the text, in a field of its own."""
    cost_usd: float | None = None
    extra_prompt_tokens: int = 0
    """Prompt tokens that are not in the messages, but are billed."""


class NoAnswerError(Exception):
    """Raised by a source without an answer to a call; the caller gets 404."""


class AnswerSource(Protocol):
    """Gives the models' replies."""

    @property
    def models(self) -> Sequence[str]:
        """Every model that answers; a call to any other gets 404."""

    def reply(self, call: Call) -> Reply:
        """Returns the reply to a call.

        Raises:
            NoAnswerError: The source has no reply to it.
        """


def read_call(model: str, messages: Sequence[Message], options: Options = NO_OPTIONS) -> Call:
    """Returns the call to ``model`` that the messages describe."""
    system = "\n".join(message.content for message in messages if message.role == "system")
    users = [message.content for message in messages if message.role == "user"]
    query, references = _split_references(users[-1] if users else "")
    # The router's instruction stands last, after the caller's own system text; without a system
    # message, it stands first, in the first user message.
    marks = _MARK.findall(system) if system else _MARK.findall("".join(users[:1]))[:1]
    mark, nonce = marks[-1] if marks else ("", None)
    without_mark = Purpose.AGGREGATION if references else Purpose.PLAIN
    return Call(
        model=model,
        messages=tuple(messages),
        query=query,
        references=references,
        purpose=_PURPOSE_OF_MARK.get(mark, without_mark),
        nonce=nonce,
        options=options,
    )


def _split_references(content: str) -> tuple[str, tuple[Reference, ...]]:
    # The nonce comes from the last line, which the router wrote: the query and the quoted answers may
    # hold marks too, but not this call's nonce.
    end = _LAST_END_MARK.search(content)
    if end is None:
        return content, ()
    nonce = end[1]
    query, mark, quoted = content.partition(f"\n\n@@references {nonce}\n")
    if not mark:
        return content, ()
    return query, tuple(_references(quoted, nonce))


def _references(quoted: str, nonce: str) -> Iterator[Reference]:
    start, label = f"@@reference {nonce} ", ""
    lines: list[str] = []
    for line in quoted.split("\n"):
        if not label:
            label = line.removeprefix(start) if line.startswith(start) else ""
            lines = []
        elif line == f"@@end {nonce} {label}":
            yield Reference(label=label, text="\n".join(lines))
            label = ""
        else:
            lines.append(line)
