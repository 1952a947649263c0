"""A case: what a client asks, what the router answers, and what must come out on both sides.

cases.json, framework_cases.json -> Case, one per way of asking: whole or streamed
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SDK_CASES = Path(__file__).parent / "cases.json"
FRAMEWORK_CASES = Path(__file__).parent / "framework_cases.json"
APIS = ("chat", "responses", "messages")
MODES = ("whole", "stream")
FINISHES = {
    "STOP": "stop",
    "LENGTH": "length",
    "TOOL_CALLS": "tool_calls",
    "CONTENT_FILTER": "content_filter",
    "REFUSAL": "refusal",
}
Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case, in one mode. `request`, `answers` and `expect` are in the words of cases.json."""

    name: str
    about: str
    """What must hold, in a sentence."""
    mode: str
    apis: tuple[str, ...] = APIS
    """The APIs that it applies to."""
    does: str | None = None
    """The ability that a framework needs to run it; None for all frameworks."""
    framework: bool = False
    """True if frameworks run it, which make the calls themselves."""
    live: bool = False
    """True if the simulated pool and all real services answer, not the scripted router."""
    faults: dict[str, str] = field(default_factory=dict)
    """Faults of simulated models while the case runs."""
    request: Json = field(default_factory=dict)
    answers: tuple[Json, ...] = ()
    """The router's answers, one per request; the last one goes on."""
    error: Json | None = None
    fail_attempts: int | None = None
    """Requests that end in the error; None for all."""
    received: Json = field(default_factory=dict)
    """Part of the last request to the router, in proto3 JSON."""
    metadata: dict[str, str] = field(default_factory=dict)
    """Metadata of the requests to the router."""
    attempts: int | None = None
    """Requests for an answer that reach the router; None if it does not matter."""
    cancelled: bool = False
    """True if the router must see its call cancelled."""
    expect: Json = field(default_factory=dict)
    """What the client must show, beside what follows from the answer."""
    expect_of_api: dict[str, Json] = field(default_factory=dict)
    """The same for one API."""

    @property
    def id(self) -> str:
        """Its name in the table."""
        return f"{self.name}, streamed" if self.mode == "stream" else self.name

    @property
    def key(self) -> str:
        """Its name among the cases of SDKs and frameworks."""
        return f"framework {self.id}" if self.framework else self.id

    def expected(self, api: str) -> Json:
        """Returns what a client of an API must show."""
        given = self.expect | self.expect_of_api.get(api, {})
        if self.live or not {"error", "models", "left"}.isdisjoint(given):
            return given
        if self.framework:
            text = {} if "parsed" in given else {"text": "".join(text_pieces(self.answers[-1]))}
            return text | given
        return _shown(self.answers[-1]) | given


def load_cases() -> tuple[Case, ...]:
    """Returns every case, in the order of the files: those of SDKs, then those of frameworks."""
    return tuple(
        _case(dict(item), mode, framework=file is FRAMEWORK_CASES)
        for file in (SDK_CASES, FRAMEWORK_CASES)
        for item in json.loads(file.read_text(encoding="utf-8"))
        for mode in item.get("modes", MODES)
    )


def _case(item: Json, mode: str, *, framework: bool) -> Case:
    item.pop("modes", None)
    answers = item.pop("answers", None) or [item.pop("answer", {"text": []})]
    of_api = {api: item.pop(f"expect_{api}") for api in APIS if f"expect_{api}" in item}
    apis = tuple(item.pop("apis", APIS))
    return Case(
        **item,
        framework=framework,
        apis=apis,
        mode=mode,
        answers=tuple(answers),
        expect_of_api=of_api,
    )


def text_pieces(answer: Json) -> list[str]:
    """Returns the pieces of an answer's text."""
    if "repeat" in answer:
        piece, count = answer["repeat"]
        return [piece] * count
    return list(answer.get("text", ()))


def finish_name(answer: Json) -> str:
    """Returns the name of the reason for which an answer ended."""
    usual = "TOOL_CALLS" if answer.get("tool_calls") else "STOP"
    return str(answer.get("finish", usual))


def usage_entries(answer: Json) -> list[Json]:
    """Returns the ledger of an answer."""
    return list(answer.get("usage", [{"prompt": 7, "completion": 3}]))


def _shown(answer: Json) -> Json:
    entries = usage_entries(answer)
    return {
        "text": "".join(text_pieces(answer)),
        "refusal": answer.get("refusal", ""),
        "finish": FINISHES[finish_name(answer)],
        "tool_calls": [
            {"id": call_id, "name": name, "arguments": json.loads(arguments)}
            for call_id, name, arguments in answer.get("tool_calls", ())
        ],
        "usage": [
            sum(entry["prompt"] for entry in entries),
            sum(entry["completion"] for entry in entries),
            sum(entry.get("cached", 0) for entry in entries),
        ],
    }
