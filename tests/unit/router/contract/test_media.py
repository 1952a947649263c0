"""Images, audio and files of a request."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from routemoa.v1 import model_pb2
from services.router.contract.limits import MAX_MEDIA_BYTES
from services.router.types.messages import Media, MediaKind
from tests.unit.router.contract.reading import conversation, user_parts, wrong_messages

PNG = b"\x89PNG\r\n\x1a\n"


def media_part(kind: str, **fields: Any) -> model_pb2.MessagePart:
    given: dict[str, Any] = {kind: model_pb2.Media(**fields)}
    return model_pb2.MessagePart(**given)


def read(kind: str = "image", **fields: Any) -> Media:
    part = media_part(kind, **fields)
    (medium,) = conversation(user_parts(part)).messages[0].media
    return medium


def wrong(kind: str = "image", **fields: Any) -> list[str]:
    part = media_part(kind, **fields)
    prefix = f"messages[0].parts.parts[0].{kind}"
    return [field.removeprefix(prefix) for field in wrong_messages([user_parts(part)])]


def test_media_are_read_as_they_are() -> None:
    assert read(data=PNG, media_type="image/PNG; q=1") == Media(
        kind=MediaKind.IMAGE, data=PNG, media_type="image/png"
    )
    assert read("audio", data=b"RIFF", media_type="audio/wav").kind is MediaKind.AUDIO
    assert read("file", data=b"%PDF", media_type="application/pdf", name="a.pdf").name == "a.pdf"
    assert read("file", url="https://example.com/a.pdf").url == "https://example.com/a.pdf"
    assert (
        read(url="https://example.com/a", image_detail=model_pb2.IMAGE_DETAIL_LOW).detail == "low"
    )


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/a.png?size=1#top",
        "HTTP://example.com:8080/a.png",
        "https://10.0.0.7/a.png",
        "https://[2001:db8::1]/a.png",
        "https://localhost.example.com/a.png",
        "https://bücher.example/a.png",
    ],
)
def test_a_url_is_passed_on_as_it_is(url: str) -> None:
    assert read(url=url).url == url


def test_a_data_url_becomes_data() -> None:
    url = "data:image/png;base64," + base64.b64encode(PNG).decode()
    assert read(url=url) == Media(kind=MediaKind.IMAGE, data=PNG, media_type="image/png")
    text = read("file", url="data:text/plain,two%20words", name="a.txt")
    assert (text.data, text.media_type) == (b"two words", "text/plain")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com/a.png",
        "/etc/passwd",
        "ftp://example.com/a.png",
        "file:///etc/passwd",
        "gopher://example.com/",
        "javascript:alert(1)",
        "s3://bucket/a.png",
        "https:///a.png",
        "https://",
        "https://ada:secret@example.com/a.png",
        "https://ada@example.com/a.png",
        "https://example.com/a b.png",
        "https://example.com\\@127.0.0.1/a.png",
        "https://example.com/\r\nHost: x",
        "https://example.com:port/a.png",
        "https://[::1/a.png",
        "https://example.com/" + "x" * 9_000,
        "data:image/png",
        "data:image/png;base64,not base64!",
        "data:image/png;base64,",
    ],
)
def test_any_other_url_is_refused(url: str) -> None:
    assert wrong(url=url) == [".url"]


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST.",
        "a.localhost",
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0.0.0.0",  # noqa: S104
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[fe80::1]",
        "169.254.169.254",
        "2852039166",
        "metadata.google.internal",
    ],
)
def test_a_backend_is_not_sent_to_its_own_host_or_metadata(host: str) -> None:
    assert wrong(url=f"http://{host}/latest") == [".url"]
    assert wrong(url=f"http://{host}:80/latest") == [".url"]


@pytest.mark.parametrize(
    ("kind", "fields", "found"),
    [
        ("image", {}, [""]),
        ("image", {"data": PNG}, [".media_type"]),
        ("image", {"data": b"", "media_type": "image/png"}, [".data"]),
        ("image", {"data": PNG, "media_type": "audio/wav"}, [".media_type"]),
        ("image", {"data": PNG, "media_type": "png"}, [".media_type"]),
        ("image", {"data": PNG, "media_type": "image/"}, [".media_type"]),
        ("image", {"data": PNG, "media_type": "image/png\r\nx"}, [".media_type"]),
        ("image", {"url": "https://example.com/a", "media_type": "text/html"}, [".media_type"]),
        ("image", {"url": "data:text/html;base64,PGI+"}, [".media_type"]),
        ("audio", {"data": PNG, "media_type": "image/png"}, [".media_type"]),
        ("audio", {"url": "https://example.com/a", "image_detail": 1}, [".image_detail"]),
        ("image", {"url": "https://example.com/a", "image_detail": 9}, [".image_detail"]),
        ("file", {"data": b"x", "media_type": "text/plain"}, [".name"]),
        ("file", {"data": b"x", "media_type": "text/plain", "name": " "}, [".name"]),
        ("file", {"data": b"x", "media_type": "text/plain", "name": "a\nb"}, [".name"]),
        ("file", {"data": b"x", "media_type": "text/plain", "name": "x" * 257}, [".name"]),
        ("file", {"data": b"x", "media_type": "image/png", "name": "a"}, [".media_type"]),
    ],
)
def test_what_is_wrong_with_a_medium_is_named(
    kind: str, fields: dict[str, Any], found: list[str]
) -> None:
    assert wrong(kind, **fields) == found


def test_all_media_together_have_at_most_20_mib() -> None:
    half = model_pb2.Media(data=bytes(MAX_MEDIA_BYTES // 2), media_type="image/png")
    parts = [model_pb2.MessagePart(image=half)] * 2
    assert len(conversation(user_parts(*parts)).messages[0].media) == 2
    one = model_pb2.MessagePart(image=model_pb2.Media(data=b"x", media_type="image/png"))
    assert wrong_messages([user_parts(*parts), user_parts(one)]) == ["messages"]
