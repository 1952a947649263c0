"""The console, and how numbers and the text of others are written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import typer
from google.protobuf.json_format import MessageToDict
from rich.console import Console

if TYPE_CHECKING:
    from google.protobuf.descriptor import EnumDescriptor
    from google.protobuf.duration_pb2 import Duration
    from google.protobuf.message import Message

WIDTH_COLUMNS = 100
_CONTROL_CODES = (
    *(code for code in range(0x20) if chr(code) not in "\n\t\r"),
    *range(0x7F, 0xA0),
    *(0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x2070)),  # of direction
    *(0x2028, 0x2029),  # ends of lines and paragraphs
    *range(0xD800, 0xE000),  # surrogates, which cannot be written
)
"""Characters that move a terminal's cursor, or show a text in another order than it has."""
_PRINTABLE = dict.fromkeys(_CONTROL_CODES, "\N{REPLACEMENT CHARACTER}") | {ord("\r"): None}
_ESCAPED = {code: f"\\u{code:04x}" for code in _CONTROL_CODES if code >= 0x7F}
"""Their escapes in JSON; lower ones are escaped already."""


def open_console(*, stderr: bool = False) -> Console:
    """Returns a console of at most 100 columns; of exactly 100 where there is no terminal."""
    console = Console(stderr=stderr, highlight=False)
    console.width = min(console.width, WIDTH_COLUMNS) if console.is_terminal else WIDTH_COLUMNS
    return console


def printable(text: str) -> str:
    """Returns a text without the characters that would move a terminal's cursor or reorder the text."""
    return text.translate(_PRINTABLE)


def print_json(content: Message | dict[str, object]) -> None:
    """Prints one JSON object to standard output; a message with all its fields.

    What `printable` replaces is escaped, so that nothing is lost.
    """
    if not isinstance(content, dict):
        content = MessageToDict(
            content, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
        )
    typer.echo(json.dumps(content, indent=2, ensure_ascii=False).translate(_ESCAPED))


def usd(amount: float) -> str:
    """Returns dollars: two decimals from a dollar on, else six, enough for the price of one call."""
    return f"${amount:,.2f}" if amount >= 1 else f"${amount:.6f}"


def span(seconds: float) -> str:
    """Returns a duration with two or three digits."""
    if seconds >= 1:
        return f"{seconds:.2f} s"
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.01 else f"{seconds * 1000:.1f} ms"


def seconds(duration: Duration) -> float:
    """Returns a message's duration in seconds."""
    return duration.seconds + duration.nanos / 1e9


def enum_label(enum: EnumDescriptor, number: int) -> str:
    """Returns an enum value for a person: `CALL_STATUS_RATE_LIMITED` is `rate limited`."""
    values = enum.values_by_number
    if number not in values:  # a newer server may have more than this client knows
        return f"unknown ({number})"
    prefix = values[0].name.removesuffix("UNSPECIFIED")
    return values[number].name.removeprefix(prefix).replace("_", " ").lower()
