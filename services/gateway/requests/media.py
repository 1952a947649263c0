"""Images, sounds and documents of a request -> media of the contract. No URL is ever fetched."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from routemoa.v1 import model_pb2

if TYPE_CHECKING:
    from services.gateway.fields import Fields

_MAX_HEAD_CHARACTERS = 200
"""The longest beginning of a data URL that is looked at for its media type."""
_DETAILS = {
    "low": model_pb2.IMAGE_DETAIL_LOW,
    "high": model_pb2.IMAGE_DETAIL_HIGH,
    "original": model_pb2.IMAGE_DETAIL_HIGH,
}


def from_url(
    fields: Fields, name: str, *, detail: str = "", file_name: str = ""
) -> model_pb2.Media:
    """Returns the medium at a URL: `https`, `http`, or `data` with base64."""
    url = fields.required_text(name)
    media = model_pb2.Media(
        name=file_name, image_detail=_DETAILS.get(detail, model_pb2.IMAGE_DETAIL_UNSPECIFIED)
    )
    if url[:5].lower() == "data:":
        _read_data_url(fields, name, url, media)
    elif url and not _is_web_address(url):
        fields.wrong(name, "must be a URL with the scheme `https`, `http` or `data`")
    else:
        media.url = url
    return media


def from_data_url(fields: Fields, name: str, *, file_name: str = "") -> model_pb2.Media:
    """Returns the medium in a data URL with base64."""
    media = model_pb2.Media(name=file_name)
    _read_data_url(fields, name, fields.required_text(name), media)
    return media


def from_base64(
    fields: Fields, name: str, *, media_type: str, file_name: str = ""
) -> model_pb2.Media:
    """Returns the medium in a field that holds its bytes."""
    data = _decoded(fields, name, fields.required_text(name))
    return model_pb2.Media(data=data, media_type=media_type, name=file_name)


def _read_data_url(fields: Fields, name: str, url: str, media: model_pb2.Media) -> None:
    comma = url.find(",", 0, _MAX_HEAD_CHARACTERS)
    kind, *parameters = url[: max(comma, 0)].lower().split(";")
    if kind.startswith("data:") and "/" in kind and parameters[-1:] == ["base64"]:
        media.media_type = kind.removeprefix("data:")
        media.data = _decoded(fields, name, url[comma + 1 :])
    elif url:
        fields.wrong(name, "must be `data:<media type>;base64,<bytes>`")


def _decoded(fields: Fields, name: str, text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        fields.wrong(name, "must be base64")
        return b""
    if not data and text == "":
        fields.wrong(name, "must not be empty")
    return data


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme.lower() in ("http", "https") and bool(parts.hostname)
