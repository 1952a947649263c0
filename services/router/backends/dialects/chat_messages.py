"""Messages as OpenAI's chat completions have them: text, media, calls to tools and their results."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

from services.router.backends.dialects.roles import shaped
from services.router.pool.request_shape import SystemRole
from services.router.types.messages import Media, MediaKind, Role

if TYPE_CHECKING:
    from services.router.backends.http.exchange import Exchange
    from services.router.pool.model import PoolModel
    from services.router.types.messages import Message

_AUDIO_FORMATS = {"mpeg": "mp3", "x-wav": "wav", "wave": "wav", "vnd.wave": "wav"}
"""Subtypes of media types whose format has another name."""
_MISTRAL = ("mistral", "mixtral", "ministral", "codestral", "devstral", "magistral", "pixtral")
"""Parts of the names of models that take short ids alone."""
_MISTRAL_ID_CHARACTERS = 9


def chat_messages(exchange: Exchange) -> list[dict[str, Any]]:
    """Returns the messages, then the start of the answer as the assistant's turn if there is one."""
    model = exchange.model
    messages = [_message(message, model) for message in shaped(exchange.messages, model.shape)]
    if exchange.partial:
        messages.append({"role": "assistant", "content": exchange.partial})
    return messages


def _data_url(media: Media) -> str:
    """Returns the URL of a medium; one with the data in it if the bytes are given."""
    return media.url or f"data:{media.media_type};base64,{_encoded(media)}"


def _encoded(media: Media) -> str:
    """Returns the bytes of a medium as base64."""
    return base64.b64encode(media.data).decode()


def _message(message: Message, model: PoolModel) -> dict[str, Any]:
    role = message.role.value
    if message.role is Role.SYSTEM and model.shape.system_role is SystemRole.DEVELOPER:
        role = "developer"
    sent: dict[str, Any] = {"role": role, "content": message.content}
    if message.parts:
        sent["content"] = [_part(part) for part in message.parts if part]
    if message.tool_calls:
        sent["content"] = sent["content"] or None
        sent["tool_calls"] = [
            {
                "id": _call_id(call.id, model),
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments_json},
            }
            for call in message.tool_calls
        ]
    if message.role is Role.TOOL:
        sent["tool_call_id"] = _call_id(message.tool_call_id, model)
    return sent


def _part(part: str | Media) -> dict[str, Any]:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    match part.kind:
        case MediaKind.IMAGE:
            detail = {"detail": part.detail} if part.detail else {}
            return {"type": "image_url", "image_url": {"url": _data_url(part), **detail}}
        case MediaKind.AUDIO if part.url:  # vLLM takes it, OpenAI has no form for it
            return {"type": "audio_url", "audio_url": {"url": part.url}}
        case MediaKind.AUDIO:
            subtype = part.media_type.partition(";")[0].rpartition("/")[2].strip().lower()
            form = _AUDIO_FORMATS.get(subtype, subtype)
            return {"type": "input_audio", "input_audio": {"data": _encoded(part), "format": form}}
        case MediaKind.FILE:
            name = {"filename": part.name} if part.name else {}
            return {"type": "file", "file": {**name, "file_data": _data_url(part)}}


def _call_id(call_id: str, model: PoolModel) -> str:
    """Returns the id of a call as the model takes it: Mistral's take nine letters and digits only."""
    is_short = len(call_id) == _MISTRAL_ID_CHARACTERS and call_id.isascii() and call_id.isalnum()
    if is_short or not _is_mistral(model):
        return call_id
    return hashlib.sha256(call_id.encode()).hexdigest()[:_MISTRAL_ID_CHARACTERS]


def _is_mistral(model: PoolModel) -> bool:
    names = f"{model.backend_model} {model.id}".lower()
    return any(name in names for name in _MISTRAL)
