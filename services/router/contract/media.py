"""Reads media: images, audio and files, by URL or as bytes. No URL is ever fetched."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
import socket
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote_to_bytes, urlsplit

from routemoa.v1 import model_pb2
from services.router.contract.limits import (
    MAX_MEDIA_BYTES,
    MAX_NAME_CHARACTERS,
    MAX_URL_CHARACTERS,
)
from services.router.types.messages import Media, MediaKind

if TYPE_CHECKING:
    from services.rpc.validation import Violations

_SCHEMES = ("https", "http")
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*")
_TYPES = {
    MediaKind.IMAGE: ("image",),
    MediaKind.AUDIO: ("audio",),
    MediaKind.FILE: ("application", "text"),
}
_DETAILS = {
    model_pb2.IMAGE_DETAIL_UNSPECIFIED: "",
    model_pb2.IMAGE_DETAIL_LOW: "low",
    model_pb2.IMAGE_DETAIL_HIGH: "high",
}
_NO_URL_CHARACTERS = re.compile(r"[\s\\\x00-\x1f\x7f]")
_LOCAL_NAMES = ("localhost", "metadata.google.internal")


def read_media(
    field: str, kind: MediaKind, message: model_pb2.Media, violations: Violations
) -> Media:
    """Returns a medium; records its violations."""
    url, data, media_type = message.url, message.data, _media_type(message.media_type)
    source = message.WhichOneof("source")
    if source is None:
        violations.add(field, "must have a URL or data")
    elif source == "data":
        _check_data(field, data, media_type, violations)
    elif url[:5].lower() == "data:":
        media_type, data = _read_data_url(f"{field}.url", url, violations)
        url = ""
    else:
        _check_url(f"{field}.url", url, violations)
    if media_type and not _suits(media_type, kind):
        types = " or ".join(f"{name}/..." for name in _TYPES[kind])
        violations.add(f"{field}.media_type", f"must be {types} for {kind.name.lower()}")
    name = message.name
    if kind is MediaKind.FILE and data and not name.strip():
        violations.add(f"{field}.name", "must not be empty for the data of a file")
    if len(name) > MAX_NAME_CHARACTERS or any(ord(c) < 32 for c in name):
        text = f"must have at most {MAX_NAME_CHARACTERS} characters, without control characters"
        violations.add(f"{field}.name", text)
    return Media(
        kind=kind,
        url=url,
        data=data,
        media_type=media_type,
        name=name,
        detail=_detail(field, kind, message.image_detail, violations),
    )


def _detail(
    field: str,
    kind: MediaKind,
    value: model_pb2.ImageDetail.ValueType,
    violations: Violations,
) -> str:
    if value not in _DETAILS:
        violations.add(f"{field}.image_detail", f"must be a known detail, is {value}")
    elif value and kind is not MediaKind.IMAGE:
        violations.add(f"{field}.image_detail", "is for images alone")
    return _DETAILS.get(value, "")


def _media_type(text: str) -> str:
    """Returns a media type in lower case, without parameters."""
    return text.partition(";")[0].strip().lower()


def _suits(media_type: str, kind: MediaKind) -> bool:
    is_type = _MEDIA_TYPE.fullmatch(media_type) is not None
    return is_type and media_type.partition("/")[0] in _TYPES[kind]


def _check_data(field: str, data: bytes, media_type: str, violations: Violations) -> None:
    if not data:
        violations.add(f"{field}.data", "must not be empty")
    if not media_type:
        violations.add(f"{field}.media_type", "must not be empty beside data")


def _read_data_url(field: str, url: str, violations: Violations) -> tuple[str, bytes]:
    """Returns the media type and the bytes in a URL with the scheme `data`."""
    head, comma, body = url[5:].partition(",")
    if not comma or len(url) > 2 * MAX_MEDIA_BYTES:
        violations.add(field, "must be a whole data URL, e.g. data:image/png;base64,...")
        return "", b""
    try:
        if head.lower().endswith(";base64"):
            data = base64.b64decode(body, validate=True)
        else:
            data = unquote_to_bytes(body)
    except (ValueError, binascii.Error):
        violations.add(field, "must hold base64")
        return _media_type(head), b""
    media_type = _media_type(head) or "text/plain"
    if not data:
        violations.add(field, "must not be empty")
    return media_type, data


def _check_url(field: str, url: str, violations: Violations) -> None:
    if len(url) > MAX_URL_CHARACTERS:
        violations.add(field, f"must have at most {MAX_URL_CHARACTERS:,} characters")
        return
    parts = None if _NO_URL_CHARACTERS.search(url) else _split(url)
    if parts is None:
        violations.add(field, "must be a URL")
    elif parts.scheme not in _SCHEMES:
        violations.add(field, "must have the scheme https, http or data")
    elif "@" in parts.netloc:
        violations.add(field, "must not hold a user name or a password")
    elif not parts.hostname:
        violations.add(field, "must name a host")
    elif _is_local(parts.hostname):
        violations.add(field, "must not name the backend's own host or its metadata service")


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises if it is none
    except ValueError:
        return None
    return parts


def _is_local(host: str) -> bool:
    """Returns whether a host is the backend's own, or the metadata service of its cloud."""
    name = host.rstrip(".").lower()
    if name in _LOCAL_NAMES or name.endswith(".localhost"):
        return True
    address = _address(name)
    return address is not None and (
        address.is_loopback or address.is_link_local or address.is_unspecified
    )


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Returns the address that a host spells in any form; None for a name."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        try:
            return ipaddress.IPv4Address(socket.inet_aton(host))  # e.g. 0x7f.1 or 2130706433
        except (OSError, ValueError):
            return None
    mapped = getattr(address, "ipv4_mapped", None)
    return address if mapped is None else mapped
