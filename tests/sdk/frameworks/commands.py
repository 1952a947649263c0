"""Reads the suite's commands for the driver of a framework, and has each one carried out.

Needs nothing but the framework, which brings pydantic.
"""

from __future__ import annotations

import json
import logging
import sys
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pydantic

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]


class Person(pydantic.BaseModel):
    """A person."""

    name: str
    age: int


@dataclass(kw_only=True)
class Command:
    """A task for the framework, and its outcome."""

    base_url: str
    streams: bool
    request: Json
    request_id: str
    shown: Json = field(default_factory=lambda: {"text": "", "made": []})

    @property
    def prompt(self) -> str:
        """The user's text."""
        return str(self.request.get("prompt", "Hi"))

    @property
    def system(self) -> str | None:
        """The instructions."""
        return self.request.get("system")

    @property
    def model(self) -> str:
        """The name of the model."""
        return str(self.request.get("model", "routemoa"))

    @property
    def headers(self) -> dict[str, str]:
        """The headers of every request."""
        return {"x-request-id": self.request_id}

    @property
    def retries(self) -> int:
        """The tries that the framework may make after the first one."""
        return int(self.request.get("retries", 0))

    @property
    def schema(self) -> str | None:
        """The way to ask for JSON that fits a schema: `json` or `tool`."""
        return self.request.get("schema")

    def tools(self) -> list[Callable[[str], str]]:
        """Returns the tools, as functions that record their calls."""

        def weather(city: str) -> str:
            """Tells the weather."""
            self.shown["made"].append(["weather", {"city": city}])
            return f"sunny in {city}"

        def time(city: str) -> str:
            """Tells the time."""
            self.shown["made"].append(["time", {"city": city}])
            return f"noon in {city}"

        functions = {"weather": weather, "time": time}
        return [functions[name] for name in self.request.get("tools", ())]

    def add(self, text: str) -> bool:
        """Adds a piece of a stream; returns whether it is the last that is wanted."""
        self.shown["text"] += text
        if "stop_after" not in self.request or not text:
            return False
        self.shown["left"] = True
        return True


def serve(carry_out: Callable[[Command], None]) -> None:
    """Carries out commands until the input ends."""
    warnings.simplefilter("ignore")
    logging.disable()
    for line in sys.stdin:
        given = json.loads(line)
        command = Command(
            base_url=given["base_url"],
            streams=given["mode"] == "stream",
            request=given["request"],
            request_id=given["request_id"],
        )
        try:
            carry_out(command)
        except Exception as error:  # noqa: BLE001  # whatever a caller would see
            command.shown["error"] = {
                "class": type(error).__name__,
                "status": _status(error),
                "says": str(error),
            }
        sys.stdout.write(json.dumps(command.shown) + "\n")
        sys.stdout.flush()


def _status(error: BaseException | None) -> int | None:
    """Returns the HTTP status of an error, or of the one that caused it."""
    while error is not None:
        status = getattr(error, "status_code", None)
        if status is not None:
            return int(status)
        error = error.__cause__
    return None
