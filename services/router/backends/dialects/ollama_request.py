"""Messages and options in the form of Ollama's API."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from services.router.backends.dialects.chat_options import (
    chosen_tools,
    log_probabilities,
    sampling,
    schema_of,
    tool_of,
)
from services.router.backends.dialects.dialect import no_form_for, reply_tokens
from services.router.backends.dialects.roles import shaped
from services.router.types.messages import MediaKind
from services.router.types.options import ReasoningEffort, ToolChoiceMode

if TYPE_CHECKING:
    from services.router.backends.http.exchange import Exchange
    from services.router.types.messages import Media, Message

_TAKES_EFFORT = "gpt-oss"
"""Other models can only reason or not."""


def ollama_payload(exchange: Exchange) -> dict[str, Any]:
    """Returns the body of a request to `/api/chat`."""
    model, options = exchange.model, exchange.options
    payload: dict[str, Any] = {
        "model": model.backend_model or model.id,
        "messages": _messages(exchange),
        "stream": True,
        "truncate": False,  # a prompt that does not fit is an error
        "options": {
            "num_ctx": model.context_window_tokens,
            "num_predict": reply_tokens(exchange),
            **sampling(exchange),
            **({"stop": list(options.stop_sequences)} if options.stop_sequences else {}),
        },
        **log_probabilities(options),
    }
    if options.json_format is not None:
        payload["format"] = schema_of(options.json_format) or "json"
    choice = options.tool_choice
    if options.tools and (choice is None or choice.mode is not ToolChoiceMode.NONE):
        payload["tools"] = [tool_of(tool) for tool in chosen_tools(options)]
    if options.reasoning_effort is not None:
        name = model.backend_model or model.id
        payload["think"] = _think(options.reasoning_effort, name)
    return payload


def _think(effort: ReasoningEffort, name: str) -> bool | str:
    if effort is ReasoningEffort.NONE or _TAKES_EFFORT not in name.lower():
        return effort is not ReasoningEffort.NONE
    lowest = effort is ReasoningEffort.MINIMAL
    return ReasoningEffort.LOW.value if lowest else str(effort.value)


def _messages(exchange: Exchange) -> list[dict[str, Any]]:
    messages = shaped(exchange.messages, exchange.model.shape)
    names = {call.id: call.name for message in messages for call in message.tool_calls}
    sent = [_message(message, names) for message in messages]
    if exchange.partial:
        sent.append({"role": "assistant", "content": exchange.partial})
    return sent


def _message(message: Message, names: dict[str, str]) -> dict[str, Any]:
    sent: dict[str, Any] = {"role": message.role.value, "content": message.content}
    if message.media:
        sent["images"] = [_image(medium) for medium in message.media]
    if message.tool_calls:
        sent["tool_calls"] = [
            {
                "id": call.id,
                "function": {"name": call.name, "arguments": _arguments(call.arguments_json)},
            }
            for call in message.tool_calls
        ]
    if message.tool_call_id:
        sent["tool_call_id"] = message.tool_call_id
        sent["tool_name"] = names.get(message.tool_call_id, "")
    return sent


def _image(medium: Media) -> str:
    if medium.kind is not MediaKind.IMAGE:
        raise no_form_for(f"{medium.kind.value}s")
    if medium.url:
        raise no_form_for("images by URL")
    return base64.b64encode(medium.data).decode()


def _arguments(text: str) -> dict[str, Any]:
    """Returns the arguments of an earlier call; none if they are no object."""
    try:
        arguments = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return arguments if isinstance(arguments, dict) else {}
