"""Parts of a message: text, images, audio and files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routemoa.v1 import model_pb2
from services.gateway.fields import shown
from services.gateway.requests.media import from_base64, from_data_url, from_url

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.gateway.fields import Fields

_AUDIO_TYPES = {"wav": "audio/wav", "mp3": "audio/mpeg"}
_DETAILS = ("auto", "low", "high")
_Part = model_pb2.MessagePart


def read_parts(message: Fields) -> list[_Part]:
    """Returns the parts of a message's content; records their problems."""
    parts = []
    for fields in message.objects("content"):
        kind = fields.required_text("type")
        reader = _READERS.get(kind)
        if reader is not None:
            parts.append(reader(fields))
        elif kind:
            fields.wrong("type", f"must be one of {', '.join(_READERS)}, is {shown(kind)}")
    return parts


def _text(fields: Fields) -> _Part:
    return _Part(text=fields.required_text("text"))


def _refusal(fields: Fields) -> _Part:
    return _Part(text=fields.required_text("refusal"))


def _image(fields: Fields) -> _Part:
    image = _inner(fields, "image_url")
    if image is None:
        return _Part()
    detail = image.choice("detail", _DETAILS) or ""
    return _Part(image=from_url(image, "url", detail=detail))


def _audio(fields: Fields) -> _Part:
    audio = _inner(fields, "input_audio")
    if audio is None:
        return _Part()
    form = audio.choice("format", tuple(_AUDIO_TYPES))
    if not audio.has("format"):
        audio.wrong("format", "is required")
    media_type = _AUDIO_TYPES.get(form or "", "")
    return _Part(audio=from_base64(audio, "data", media_type=media_type))


def _file(fields: Fields) -> _Part:
    file = _inner(fields, "file")
    if file is None:
        return _Part()
    if file.has("file_id"):
        file.wrong("file_id", "is not supported: no files are stored; use file_data")
        return _Part()
    return _Part(file=from_data_url(file, "file_data", file_name=file.text("filename") or ""))


_READERS: dict[str, Callable[[Fields], _Part]] = {
    "text": _text,
    "image_url": _image,
    "input_audio": _audio,
    "file": _file,
    "refusal": _refusal,
}


def _inner(fields: Fields, name: str) -> Fields | None:
    if not fields.has(name):
        fields.wrong(name, "is required")
    return fields.object(name)
