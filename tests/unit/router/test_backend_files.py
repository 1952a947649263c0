"""Files of a key or of CAs: those that hold none are refused, and their content is never shown."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from services.router.pool.backend_files import (
    CaFileError,
    KeyFileError,
    read_ca_file,
    read_key_file,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "content",
    [
        b"sk-test",
        b"sk-test\n",
        b"sk-test\r\n",
        b"\n  sk-test \n\n",
        b"\xef\xbb\xbfsk-test\r\n",
    ],
)
def test_white_space_and_a_byte_order_mark_around_a_key_do_not_matter(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    assert read_key_file(path).get_secret_value() == "sk-test"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b" \r\n\t", "is empty"),
        (b"\xef\xbb\xbf\n", "is empty"),
        (b"# production key\nsk-s3cret\n", "more than one line"),
        (b"sk-s3cret\nsk-s3cret\n", "more than one line"),
        (b"sk-s3cret\rsk-s3cret", "more than one line"),
        (b"sk-s3cret # production", "holds no key"),
        (b"sk-\x00s3cret", "holds no key"),
        (b"sk-\x1bs3cret", "holds no key"),
        (b"sk-\x7fs3cret", "holds no key"),
        (b"sk-\xff\xfes3cret", "holds no key"),
        ("sk-s3cr\u00e9t".encode(), "holds no key"),
        ("sk-s3cret".encode("utf-16"), "holds no key"),
        (b"s3cret" * 10_000, "is larger than"),
    ],
)
def test_a_file_that_holds_no_key_is_refused_without_its_content(
    tmp_path: Path, content: bytes, said: str
) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    with pytest.raises(KeyFileError, match=said) as caught:
        read_key_file(path)
    assert "s3cret" not in str(caught.value)


def test_what_is_no_regular_file_is_refused_and_never_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, tmp_path, tmp_path / "none", tmp_path / ("a" * 300)):
        with pytest.raises(KeyFileError):
            read_key_file(path)
        with pytest.raises(CaFileError):
            read_ca_file(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no certificate",
        b"\xff\xfe",
        b"-----BEGIN CERTIFICATE-----\n",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        b"a" * (1 << 21),
    ],
)
def test_a_file_without_certificates_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ca.pem"
    path.write_bytes(content)
    with pytest.raises(CaFileError):
        read_ca_file(path)
