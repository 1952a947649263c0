"""A reply -> tokens, cut as the request says, and their usage.

The tokens are word pieces of the reasoning, then of the text or refusal, then of tools' arguments.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.simulator.stream import estimate_tokens, split_pieces

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from services.simulator.call import Call, Reply, ToolCall
    from services.simulator.chat.request import RequestBody

Delta = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """A reply cut to the allowed tokens, ready to be sent."""

    reasoning: Sequence[str]
    pieces: Sequence[str]
    """Tokens of the text, or of the refusal."""
    refuses: bool
    tool_calls: Sequence[tuple[ToolCall, Sequence[str]]]
    """The calls, each with the tokens of its arguments."""
    finish_reason: str
    usage: dict[str, object]
    prompt_tokens: int

    @property
    def deltas(self) -> Iterator[Delta]:
        """The deltas of all tokens but those of text."""
        for piece in self.reasoning:
            yield {"reasoning_content": piece}
        for piece in self.pieces if self.refuses else ():
            yield {"refusal": piece}
        for index, (call, arguments) in enumerate(self.tool_calls):
            function = {"name": call.name, "arguments": ""}
            opening = {"index": index, "id": call.id, "type": "function", "function": function}
            yield {"tool_calls": [opening]}
            for piece in arguments:
                yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}

    @property
    def message(self) -> Delta:
        """The whole reply as a message."""
        text = "".join(self.pieces)
        message: Delta = {"role": "assistant", "content": None if self.refuses else text}
        if self.refuses:
            message["refusal"] = text
        if self.reasoning:
            message["reasoning_content"] = "".join(self.reasoning)
        if self.tool_calls:
            message["content"] = text or None
            message["tool_calls"] = [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": "".join(arguments)},
                }
                for call, arguments in self.tool_calls
            ]
        return message


def complete(
    body: RequestBody, call: Call, reply: Reply, *, partial: str, cached_share: float
) -> Completion:
    """Returns the completion of a reply.

    Args:
        body: The request.
        call: The call in it.
        reply: The reply.
        partial: The start of the text, which the caller already has.
        cached_share: The share of the prompt that the server had in its cache.
    """
    text = _before_stop(reply.text.removeprefix(partial), body.stop_sequences)
    left = body.token_limit
    parts: list[list[str]] = []
    is_cut = False
    arguments = [call.arguments for call in reply.tool_calls]
    for part in (reply.reasoning, reply.refusal or text, *arguments):
        pieces = split_pieces(part)
        kept = pieces if left is None else pieces[:left]
        is_cut = is_cut or len(kept) < len(pieces)
        left = None if left is None else left - len(kept)
        parts.append(kept)
    reasoning, pieces, *of_calls = parts
    end = "tool_calls" if reply.tool_calls else "stop"
    prompt_tokens = _prompt_tokens(call, partial) + reply.extra_prompt_tokens
    return Completion(
        reasoning=reasoning,
        pieces=pieces,
        refuses=bool(reply.refusal),
        tool_calls=[
            (call, kept)
            for call, kept in zip(reply.tool_calls, of_calls, strict=True)
            if kept or not call.arguments
        ],
        finish_reason="length" if is_cut else end,
        usage=_usage(reply, parts, prompt_tokens, int(cached_share * prompt_tokens)),
        prompt_tokens=prompt_tokens,
    )


def log_probabilities(pieces: Sequence[str], alternatives: int) -> list[dict[str, object]]:
    """Returns made-up log probabilities of tokens, always the same for a token."""
    return [_log_probability(piece, alternatives) for piece in pieces]


def _log_probability(piece: str, alternatives: int) -> dict[str, object]:
    of_piece = -hashlib.sha256(piece.encode()).digest()[0] / 256
    others = [{"token": piece, "logprob": of_piece}]
    others += [{"token": f"{piece}{n}", "logprob": of_piece - n} for n in range(1, alternatives)]
    encoded = [{**other, "bytes": list(str(other["token"]).encode())} for other in others]
    return {**encoded[0], "top_logprobs": encoded[:alternatives]}


def _before_stop(text: str, sequences: Sequence[str]) -> str:
    ends = [at for stop in sequences if stop and (at := text.find(stop)) >= 0]
    return text[: min(ends)] if ends else text


def _prompt_tokens(call: Call, partial: str) -> int:
    texts = [message.content for message in call.messages]
    texts += [asked.arguments for message in call.messages for asked in message.tool_calls]
    texts += [f"{tool.name} {tool.description} {tool.parameters}" for tool in call.options.tools]
    return sum(map(estimate_tokens, texts)) + estimate_tokens(partial)


def _usage(
    reply: Reply, parts: Sequence[Sequence[str]], prompt_tokens: int, cached_tokens: int
) -> dict[str, object]:
    written = sum(map(len, parts))
    usage: dict[str, object] = {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": written,
        "total_tokens": prompt_tokens + written,
    }
    if cached_tokens:
        usage["prompt_tokens_details"] = {"cached_tokens": cached_tokens}
    if reply.reasoning:
        usage["completion_tokens_details"] = {"reasoning_tokens": len(parts[0])}
    if reply.cost_usd is not None:
        usage["cost"] = reply.cost_usd
    return usage
