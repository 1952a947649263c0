"""The pieces in which a reply comes: text as `str`, and what is no text of the answer."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SourceT = TypeVar("SourceT")
NewsT = TypeVar("NewsT")


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallPiece:
    """The next piece of a call to a tool."""

    call_index: int
    """The place of the call among the calls of the reply, from 0."""
    id: str = ""
    """Set in the first piece of a call."""
    name: str = ""
    """Set in the first piece of a call."""
    arguments_json: str = ""
    """Text of the arguments to append."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasoningPiece:
    """Reasoning to append; only comes if the caller asked for it."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalPiece:
    """Text of a refusal to append."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLogProbability:
    """The log probability of a token, and of the likeliest ones in its place."""

    token: str
    log_probability: float
    alternatives: tuple[TokenLogProbability, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LogProbabilitiesPiece:
    """Log probabilities of the next tokens of the text."""

    tokens: tuple[TokenLogProbability, ...]


Piece = str | ToolCallPiece | ReasoningPiece | RefusalPiece | LogProbabilitiesPiece
"""Text of the answer, or something else in a reply."""


def with_joined_texts(
    news: Sequence[tuple[SourceT, NewsT]],
) -> Iterator[tuple[SourceT, NewsT | str]]:
    """Yields news from several sources, with successive texts from one source as one text."""
    if len(news) == 1:  # by far the most frequent case
        yield from news
        return
    for (source, is_text), group in groupby(news, lambda each: (each[0], isinstance(each[1], str))):
        if is_text:
            yield source, "".join(str(text) for _, text in group)
        else:
            yield from group
