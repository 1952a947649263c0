"""A case of the conformance suite: what a client is asked, what the server plays, what must come out.

*.json -> Case; tests/conformance/README.md documents the fields
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What the server does with a case's calls."""

    responses: tuple[Json, ...] = ()
    """Messages in proto3 JSON. `$unknown` holds bytes, in hex, of fields that this contract lacks."""
    error: Json | None = None
    """Raised after the responses; one of `ErrorReason`'s names, or `crash` for a bug of the server."""
    foreign_error: Json | None = None
    """An error with details that no RouteMoA service made: code, message, reason, domain."""
    fail_attempts: int | None = None
    """How many attempts end in the error; the ones after it get the responses. None: all."""
    delay_ms: int = 0
    """Time before the first response."""
    hang: bool = False
    """Whether the stream stays open after the responses, until the caller goes."""
    gzip: bool = False
    """Whether responses are compressed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What the client must show, and what the server must have seen."""

    responses: tuple[Json, ...] = ()
    filled: tuple[str, ...] = ()
    """Fields of the last response that must not be empty, where the responses themselves may vary."""
    error: Json | None = None
    answer: Json | None = None
    """The answer that the client collects from a stream. None: whatever it is."""
    attempts: tuple[int, int] = (1, 1)
    """Least and most attempts that reach the server."""
    cancelled: bool = False
    """Whether the server sees the call cancelled."""
    metadata: dict[str, str] = field(default_factory=dict)
    """Metadata that every attempt carries."""
    distinct: str | None = None
    """The key of metadata that differ from attempt to attempt."""
    connections: tuple[int, int] | None = None
    """Least and most connections that the attempts come over."""
    remaining_ms: tuple[int, int] | None = None
    """Bounds of the deadline that the server sees at the first attempt."""
    sent_bytes: tuple[int, int] | None = None
    """Bounds of what the client writes to the connection."""
    received_bytes: tuple[int, int] | None = None
    """Bounds of what the server writes to it."""
    within_ms: int | None = None
    """The most time that the client may take. None: as much as any driver has for an outcome."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case."""

    name: str
    about: str
    """What must hold, in a sentence."""
    method: str
    """Name of the RPC."""
    requests: tuple[Json, ...] = ({},)
    listener: str = "plaintext"
    """Which of the server's addresses is called."""
    call: Json = field(default_factory=dict)
    """What else the client is told; the README of this folder lists it."""
    script: Script
    expect: Expectation

    @property
    def is_live(self) -> bool:
        """Whether a real service is called, of which the runner sees nothing but the responses."""
        return self.listener == "live"


def load_cases() -> tuple[Case, ...]:
    """Returns every case of every vector file.

    Raises:
        ValueError: Two cases have the same name.
        TypeError: A case has a field that is not known.
    """
    cases = tuple(
        _case(item)
        for path in sorted(FOLDER.glob("*.json"))
        for item in json.loads(path.read_text(encoding="utf-8"))
    )
    names = [case.name for case in cases]
    if twice := {name for name in names if names.count(name) > 1}:
        message = f"cases of the same name: {sorted(twice)}"
        raise ValueError(message)
    return cases


def _case(item: Json) -> Case:
    item = _expanded(item)
    script = Script(**_tuples(item.pop("script", {})))
    given = item.pop("expect", {})
    succeeds = script.error is None or script.fail_attempts is not None
    expected: Json = {"responses": [_known(response) for response in script.responses]}
    if not succeeds:
        expected["error"] = script.error
    expect = Expectation(**_tuples(expected | given))
    return Case(**_tuples(item), script=script, expect=expect)


def _known(response: Json) -> Json:
    return {key: value for key, value in response.items() if key != "$unknown"}


def _tuples(item: Json) -> Json:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in item.items()}


def _expanded(value: Any) -> Any:
    """Replaces `{"$repeat": [text, count]}` by the text, repeated."""
    if isinstance(value, list):
        return [_expanded(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "$repeat" in value:
        text, count = value["$repeat"]
        return text * count
    return {key: _expanded(item) for key, item in value.items()}
