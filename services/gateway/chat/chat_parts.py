"""Parts of a message: text, images, audio and files."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from routemoa.v1 import model_pb2
from services.gateway.fields import shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.gateway.fields import Fields

_MAX_HEAD_CHARACTERS = 200
"""The longest beginning of a data URL that is looked at for its media type."""
_AUDIO_TYPES = {"wav": "audio/wav", "mp3": "audio/mpeg"}
_DETAILS = {
    "auto": model_pb2.IMAGE_DETAIL_UNSPECIFIED,
    "low": model_pb2.IMAGE_DETAIL_LOW,
    "high": model_pb2.IMAGE_DETAIL_HIGH,
}
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
    media = model_pb2.Media(
        image_detail=_DETAILS[image.choice("detail", tuple(_DETAILS)) or "auto"]
    )
    url = image.required_text("url")
    if url[:5].lower() == "data:":
        read_data_url(image, "url", url, media)
    elif url[:8].lower().startswith(("https://", "http://")):
        media.url = url
    elif url:
        image.wrong("url", "must begin with https://, http:// or data:")
    return _Part(image=media)


def _audio(fields: Fields) -> _Part:
    audio = _inner(fields, "input_audio")
    if audio is None:
        return _Part()
    form = audio.choice("format", tuple(_AUDIO_TYPES))
    if not audio.has("format"):
        audio.wrong("format", "is required")
    media = model_pb2.Media(media_type=_AUDIO_TYPES.get(form or "", ""))
    _read_base64(audio, "data", audio.required_text("data"), media)
    return _Part(audio=media)


def _file(fields: Fields) -> _Part:
    file = _inner(fields, "file")
    if file is None:
        return _Part()
    if file.has("file_id"):
        file.wrong("file_id", "is not supported: no files are stored; use file_data")
        return _Part()
    media = model_pb2.Media(name=file.text("filename") or "")
    read_data_url(file, "file_data", file.required_text("file_data"), media)
    return _Part(file=media)


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


def read_data_url(fields: Fields, name: str, url: str, media: model_pb2.Media) -> None:
    """Puts the bytes of a data URL into a medium; records its problems."""
    comma = url.find(",", 0, _MAX_HEAD_CHARACTERS)
    kind, *parameters = url[: max(comma, 0)].lower().split(";")
    if kind.startswith("data:") and "/" in kind and parameters[-1:] == ["base64"]:
        media.media_type = kind.removeprefix("data:")
        _read_base64(fields, name, url[comma + 1 :], media)
    elif url:
        fields.wrong(name, "must be a data URL with a media type, data:TYPE;base64,...")


def _read_base64(fields: Fields, name: str, text: str, media: model_pb2.Media) -> None:
    try:
        media.data = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        fields.wrong(name, "is not valid base64")
