"""Finds the encoding of a text file, plain or gzip.

``bytes -> UTF-8, UTF-16 or UTF-32 by its mark; else UTF-8, Windows-1252 or Latin-1 by its bytes``
"""

from __future__ import annotations

import codecs
import io
from typing import TYPE_CHECKING

from scorer.data.lines import open_binary

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins like UTF-16's
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BLOCK_BYTES = 2**20
_REPLACEMENT = "\ufffd"


class EncodingError(ValueError):
    """Raised for a file that is UTF-8 but for some bytes; the message gives the first of them."""


def open_text(path: Path, encoding: str) -> io.TextIOWrapper:
    """Opens a file for reading as text; line breaks stay as they are."""
    return io.TextIOWrapper(open_binary(path), encoding=encoding, newline="")


def encoding_of(path: Path) -> str:
    """Returns the name of the codec that reads a file.

    A file without a mark that is not UTF-8 is taken as Windows-1252, or as Latin-1 if it has bytes
    that Windows-1252 does not define. In such a file hardly any letters form valid UTF-8; where most
    do, the file is damaged instead.

    Raises:
        EncodingError: The file is UTF-8 with some damaged bytes.
        OSError, EOFError, zlib.error: The file cannot be read.
    """
    with open_binary(path) as file:
        start = file.read(4096)
    for mark, name in _MARKS:
        if start.startswith(mark):
            return name
    if b"\0" in start[:2]:
        return "utf-16-be" if start[:1] == b"\0" else "utf-16-le"
    valid, damaged, first = _utf8_letters(path)
    if not damaged:
        return "utf-8"
    if valid > damaged:
        raise EncodingError(f"is not UTF-8 at line {first}, and {damaged - 1} more times after it")
    defined = codecs.getincrementaldecoder("cp1252")()
    try:
        for block in _blocks(path):
            defined.decode(block)
    except UnicodeDecodeError:
        return "latin-1"
    return "cp1252"


def _utf8_letters(path: Path) -> tuple[int, int, int]:
    """Returns the counts of valid and of damaged letters beyond ASCII, and the first damaged line."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    valid = damaged = first = lines = 0
    for block in _blocks(path):
        text = decoder.decode(block)
        if not text.isascii():
            bad = text.count(_REPLACEMENT)
            if bad and not first:
                first = lines + 1 + text[: text.index(_REPLACEMENT)].count("\n")
            damaged += bad
            valid += len(text) - len(text.encode("ascii", "ignore")) - bad
        lines += text.count("\n")
    if decoder.decode(b"", final=True):
        return valid, damaged + 1, first or lines + 1
    return valid, damaged, first


def _blocks(path: Path) -> Iterator[bytes]:
    with open_binary(path) as file:
        while block := file.read(_BLOCK_BYTES):
            yield block
