"""Turns the parts of a reply into pieces: well-formed, bounded, and without reasoning in the text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.router.backends.http.reasoning import ReasoningSplitter
from services.router.backends.http.replies.log_probabilities import read_log_probabilities
from services.router.backends.http.replies.stop_sequences import StopFilter
from services.router.backends.http.replies.tool_calls import ToolCallReader
from services.router.backends.http.replies.well_formed import WellFormedStream
from services.router.types.pieces import (
    LogProbabilitiesPiece,
    ReasoningPiece,
    RefusalPiece,
)
from services.router.types.tokens import weight

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from services.router.types.options import GenerationOptions
    from services.router.types.pieces import Piece, TokenLogProbability, ToolCallPiece

_CHARACTERS_PER_TOKEN_LIMIT = 32
"""Characters per allowed token above which a reply is refused as malformed."""
_LOG_PROBABILITIES_SHARE = 32
"""Characters of log probabilities for each character that is allowed: tokens have alternatives."""


class ReplyPieces:
    """The pieces of one reply.

    Args:
        options: The options of the request.
        max_tokens: The most tokens that the model may write.
        starts_in_reasoning: True if the text begins within the reasoning.
        cut_at: Stop sequences that the backend does not know.
    """

    def __init__(
        self,
        options: GenerationOptions,
        *,
        max_tokens: int,
        starts_in_reasoning: bool,
        cut_at: Sequence[str],
    ) -> None:
        self.texts: list[str] = []
        """Texts that are no piece yet; a reader appends to it, none of them empty."""
        self._pieces: list[Piece] = []
        self._options = options
        self.reasoning_characters = self.reasoning_weight = 0
        self._splitter = ReasoningSplitter(
            inside=starts_in_reasoning, keeps_reasoning=options.include_reasoning
        )
        self._keeps_reasoning = options.include_reasoning
        self._stop = StopFilter(cut_at) if cut_at else None
        self._text_form = WellFormedStream()
        self._reasoning_form = WellFormedStream()
        self._refusal_form = WellFormedStream()
        self._calls: ToolCallReader | None = None
        """None until the first call to a tool."""
        self._alternatives = options.top_log_probabilities or 0
        self._early_log_probabilities: list[TokenLogProbability] = []
        """Log probabilities of text that may still turn out to be reasoning."""
        self._reported_characters = self._reported_weight = 0
        self._begun = self._is_plain = False
        self._characters_left = max_tokens * _CHARACTERS_PER_TOKEN_LIMIT
        self._log_characters_left = self._characters_left * _LOG_PROBABILITIES_SHARE
        self.refused = False
        """True once the model has begun to refuse."""
        self.is_over = False
        """True once the reply is too long, or has come to a stop sequence of `cut_at`."""

    @property
    def begun(self) -> bool:
        """True once any part of the reply has come."""
        return self._begun or bool(self.texts)

    @property
    def has_tool_calls(self) -> bool:
        """True once a call to a tool has begun."""
        return self._calls is not None and self._calls.has_calls

    @property
    def is_too_long(self) -> bool:
        """True once the reply is longer than any that the model may write."""
        return self._characters_left < 0 or self._log_characters_left < 0

    def take(self) -> list[Piece]:
        """Returns the pieces since the last call; texts that came together are one."""
        if self.texts:
            self._join()
        pieces, self._pieces = self._pieces, []
        return pieces

    def finish(self) -> list[Piece]:
        """Returns what was held until the end."""
        if self.texts:
            self._join()
        self._put_reasoning(self._reasoning_form.finish())
        answer = self._splitter.feed(self._text_form.finish()) + self._splitter.finish()
        if self._stop is not None:
            answer = self._stop.feed(answer) + self._stop.finish()
        self._put_answer(answer)
        if answer:
            self._put_log_probabilities(())
        if refusal := self._refusal_form.finish():
            self._pieces.append(RefusalPiece(text=refusal))
        if self._calls is not None:
            self._put_calls(self._calls.finish())
        return self.take()

    def add_text(self, text: str) -> None:
        """Adds text."""
        if text:
            self.texts.append(text)

    def add_reasoning(self, text: str) -> None:
        """Adds reasoning that came in a field of its own."""
        self._join_texts()
        self._splitter.reasoning_is_apart()
        self._reported_characters += len(text)
        self._reported_weight += weight(text)
        self._use(len(text))
        self._record_reasoning()
        if self._keeps_reasoning:
            self._put_reasoning(self._reasoning_form.feed(text))

    def add_refusal(self, text: str) -> None:
        """Adds text of a refusal."""
        self._join_texts()
        self.refused = True
        self._use(len(text))
        if text := self._refusal_form.feed(text):
            self._pieces.append(RefusalPiece(text=text))

    def add_tool_calls(self, values: object, *, whole: bool = False) -> None:
        """Adds the value of a field `tool_calls`.

        Raises:
            ToolCallError: The value cannot be read.
        """
        self._join_texts()
        self._put_calls(self._call_reader().read(values, whole=whole))

    def add_function_call(self, value: object) -> None:
        """Adds the value of the older field `function_call`.

        Raises:
            ToolCallError: The value cannot be read.
        """
        self._join_texts()
        self._put_calls(self._call_reader().read_function(value))

    def add_log_probabilities(self, values: object) -> None:
        """Adds a list of log probabilities, which belong to the text that was added last."""
        self._join_texts()
        tokens = read_log_probabilities(values, self._alternatives)
        self._log_characters_left -= sum(
            len(each.token) + 1 for token in tokens for each in (token, *token.alternatives)
        )
        self.is_over = self.is_over or self._log_characters_left < 0
        if self._splitter.is_past_reasoning:
            self._put_log_probabilities(tokens)
        elif self._splitter.is_undecided:
            self._early_log_probabilities += tokens
        else:
            self._early_log_probabilities.clear()

    def _join_texts(self) -> None:
        if self.texts:
            self._join()

    def _join(self) -> None:
        """Makes a piece of the texts."""
        texts = self.texts
        text = texts[0] if len(texts) == 1 else "".join(texts)
        texts.clear()
        self._begun = True
        self._characters_left -= len(text)
        if self._characters_left < 0:
            self.is_over = True
        if self._is_plain and text.isascii() and "\0" not in text:  # by far the most frequent case
            self._pieces.append(text)
        else:
            self._put_text(text)

    def _put_text(self, text: str) -> None:
        text = self._text_form.feed(text)
        if not self._splitter.is_past_reasoning:
            text = self._splitter.feed(text)
            self._record_reasoning()
            self._put_reasoning(self._splitter.take())
        if self._stop is not None:
            text = self._stop.feed(text)
            self.is_over = self.is_over or self._stop.stopped
        self._put_answer(text)
        passes = self._splitter.is_past_reasoning and self._stop is None
        self._is_plain = passes and not self._text_form.held

    def _use(self, characters: int) -> None:
        self._begun = True
        self._characters_left -= characters
        if self._characters_left < 0:
            self.is_over = True

    def _put_answer(self, text: str) -> None:
        if text:
            self._pieces.append(text)

    def _put_reasoning(self, text: str) -> None:
        if text:
            self._pieces.append(ReasoningPiece(text=text))

    def _put_log_probabilities(self, tokens: Iterable[TokenLogProbability]) -> None:
        found = (*self._early_log_probabilities, *tokens)
        self._early_log_probabilities.clear()
        if found and not self.is_over:
            self._pieces.append(LogProbabilitiesPiece(tokens=found))

    def _call_reader(self) -> ToolCallReader:
        if self._calls is None:
            options = self._options
            self._calls = ToolCallReader(
                [tool.name for tool in options.tools],
                only_one=options.parallel_tool_calls is False,
            )
        return self._calls

    def _put_calls(self, pieces: Iterable[ToolCallPiece]) -> None:
        for piece in pieces:
            self._use(len(piece.id) + len(piece.name) + len(piece.arguments_json))
            self._pieces.append(piece)

    def _record_reasoning(self) -> None:
        splitter = self._splitter
        self.reasoning_characters = self._reported_characters + splitter.reasoning_characters
        self.reasoning_weight = self._reported_weight + splitter.reasoning_weight
