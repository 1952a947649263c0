"""Compares what a client showed and what the router saw with what a case expects."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from google.protobuf.json_format import MessageToDict

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from tests.conformance.server import Record
    from tests.sdk.case import Case, Json
    from tests.sdk.client import Client

SHOWN_CHARACTERS = 300


def problems(
    case: Case, client: Client, shown: Json, record: Record, *, request_id: str
) -> Iterator[str]:
    """Yields everything that is not as expected.

    Args:
        case: The case.
        client: The client that ran it.
        shown: The driver's line.
        record: What the router saw under the request's id.
        request_id: That id.
    """
    expected = case.expected(client.api)
    if shown.get("error") and "error" not in expected:
        yield f"the client raised {shown['error']}"
        return
    for name, value in expected.items():
        if name == "error":
            yield from _wrong_error(value, shown.get("error"), client.errors)
        elif name in _READERS:
            found = _READERS[name](shown)
            if found != value:
                yield f"{name} are {_short(found)}, not {_short(value)}"
        else:
            yield from _wrong_value(name, request_id if value == "$request_id" else value, shown)
    if not case.live:
        yield from _wrong_requests(case, record)


def _wrong_value(name: str, value: Any, shown: Json) -> Iterator[str]:
    if name == "filled":
        yield from (f"{each} is empty" for each in value if not shown.get(each))
    elif name == "models":
        missing = set(value) - set(shown.get(name, ()))
        if missing:
            yield f"{sorted(missing)} are not among the models"
    elif name == "says":
        if value not in shown["text"]:
            yield f"text is {_short(shown['text'])}, without {_short(value)}"
    elif name == "made_in_any_order":
        if sorted(shown["made"], key=str) != sorted(value, key=str):
            yield f"the calls that were made are {_short(shown['made'])}, not {_short(value)}"
    elif shown.get(name) != value:
        yield f"{name} is {_short(shown.get(name))}, not {_short(value)}"


def _calls(shown: Json) -> list[Any]:
    return [[call["name"], call["arguments"]] for call in shown.get("tool_calls", ())]


def _types_of_fields(shown: Json) -> Json | None:
    try:
        value = json.loads(shown["text"])
    except ValueError:
        return None
    if not isinstance(value, dict):
        return None
    return {name: type(inner).__name__ for name, inner in value.items()}


_READERS = {"calls": _calls, "fields": _types_of_fields}
"""Expectations that compare what the client showed in another form."""


def _wrong_error(expected: Json, shown: Json | None, own: Container[str] | None) -> Iterator[str]:
    if shown is None:
        yield "the client raised no error"
        return
    if own is not None and shown["class"] not in own:
        yield f"{shown['class']!r} is not a class of the framework's errors"
    for name in ("class", "status"):
        wanted = expected.get(name, shown[name])  # a list has the names of several SDKs
        if shown[name] not in (wanted if isinstance(wanted, list) else [wanted]):
            yield f"the error's {name} is {shown[name]!r}, not {wanted!r}"
    if expected.get("says", "") not in str(shown["says"]):
        yield f"the error says {shown['says']!r}, not {expected['says']!r}"


def _wrong_requests(case: Case, record: Record) -> Iterator[str]:
    if case.attempts is not None and len(record.requests) != case.attempts:
        yield f"the router saw {len(record.requests)} requests, not {case.attempts}"
    if case.received:
        last = MessageToDict(record.requests[-1]) if record.requests else {}
        yield from _missing(case.received, last, "the router's request")
    for key, value in case.metadata.items():
        found = [attempt.get(key) for attempt in record.attempts]
        if found != [value] * len(found):
            yield f"the router's metadata {key} are {found}"
    if case.cancelled and not record.cancelled.is_set():
        yield "the router's call was not cancelled"


def _missing(expected: Any, found: Any, path: str) -> Iterator[str]:
    """Yields the parts of JSON that are not there; `$json` stands for any JSON as text."""
    if isinstance(expected, dict):
        for name, value in expected.items():
            inner = found.get(name) if isinstance(found, dict) else None
            yield from _missing(value, inner, f"{path}.{name}")
    elif isinstance(expected, list):
        if not isinstance(found, list) or len(found) != len(expected):
            yield f"{path} is {_short(found)}"
            return
        for number, (value, inner) in enumerate(zip(expected, found, strict=True)):
            yield from _missing(value, inner, f"{path}[{number}]")
    elif expected == "$json":
        if not (isinstance(found, str) and isinstance(json.loads(found), dict)):
            yield f"{path} is {_short(found)}"
    elif found != expected and not (expected is False and found is None):
        yield f"{path} is {_short(found)}, not {_short(expected)}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}..."
