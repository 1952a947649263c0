"""Input items of the Responses API -> messages of the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routemoa.v1 import model_pb2
from services.gateway.requests import media

if TYPE_CHECKING:
    from services.gateway.fields import Fields
    from services.gateway.requests.conversation import ConversationBuilder, Part

_ROLES = {
    "system": model_pb2.ROLE_SYSTEM,
    "developer": model_pb2.ROLE_SYSTEM,
    "user": model_pb2.ROLE_USER,
    "assistant": model_pb2.ROLE_ASSISTANT,
}
_AUDIO_TYPES = {"mp3": "audio/mpeg", "wav": "audio/wav"}
_TEXT_PARTS = ("input_text", "output_text", "text", "summary_text")


def read_items(fields: Fields, conversation: ConversationBuilder) -> None:
    """Adds the items of `input` to a conversation."""
    for item in fields.objects("input"):
        kind = item.text("type") or "message"
        if kind == "message":
            role = item.choice("role", [*_ROLES]) or "user"
            if not item.has("role"):
                item.wrong("role", "is required")
            conversation.message(_ROLES[role], _parts(item, "content"))
        elif kind == "function_call":
            conversation.tool_call(
                item.required_text("call_id"),
                item.required_text("name"),
                item.text("arguments") or "{}",
            )
        elif kind == "function_call_output":
            conversation.tool_result(item.required_text("call_id"), _parts(item, "output"))
        elif kind == "item_reference":
            item.wrong("type", "no response is stored; send the item itself (`store: false`)")
        elif kind != "reasoning":  # no model reads another one's reasoning
            item.wrong("type", f"items of type `{kind[:64]}` are not supported")


def _parts(item: Fields, name: str) -> list[Part]:
    """Returns the parts of a text or of a list of parts."""
    if not isinstance(item.values.get(name), list):
        if not item.has(name):
            item.wrong(name, "is required")
        return [(item.text(name) or "")]
    found = (_part(part) for part in item.objects(name))
    return [part for part in found if part is not None]


def _part(part: Fields) -> Part | None:
    kind = part.required_text("type")
    if kind in _TEXT_PARTS:
        return part.text("text")
    if kind == "refusal":
        return part.text("refusal")
    if kind == "input_image" and not part.has("file_id"):
        detail = part.text("detail") or ""
        return model_pb2.MessagePart(image=media.from_url(part, "image_url", detail=detail))
    if kind == "input_file" and not part.has("file_id"):
        return model_pb2.MessagePart(file=_file(part))
    if kind == "input_audio":
        return _audio(part)
    if part.has("file_id"):
        part.wrong("file_id", "no file is stored; send its bytes or its URL")
    elif kind:
        part.wrong("type", f"parts of type `{kind[:64]}` are not supported")
    return None


def _file(part: Fields) -> model_pb2.Media:
    file_name = part.text("filename") or ""
    if part.has("file_url"):
        return media.from_url(part, "file_url", file_name=file_name)
    if (part.text("file_data") or "")[:5].lower() == "data:":
        return media.from_url(part, "file_data", file_name=file_name)
    return media.from_base64(part, "file_data", media_type="application/pdf", file_name=file_name)


def _audio(part: Fields) -> model_pb2.MessagePart | None:
    audio = part.object("input_audio")
    if audio is None:
        part.wrong("input_audio", "is required")
        return None
    form = audio.choice("format", [*_AUDIO_TYPES]) or "wav"
    return model_pb2.MessagePart(
        audio=media.from_base64(audio, "data", media_type=_AUDIO_TYPES[form])
    )
