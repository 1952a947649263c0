"""Transcripts: what a backend puts on the wire, and what an attempt is to make of it.

A file is a head in YAML, a line of three dashes, and the body of the response, byte for byte. The
bodies are written from the backends' public API descriptions; `make test-vllm` asks a real one.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from services.router.pool.backend import Backend
from services.router.types.ledger import CallStatus
from services.router.types.options import GenerationOptions, Tool

FOLDER = Path(__file__).parent / "transcripts"
_HEAD_END = b"\n---\n"


class End(enum.StrEnum):
    """How the server ends the connection."""

    WHOLE = "whole"
    """The response is ended as HTTP has it."""
    CUT = "cut"
    """It is closed before that."""
    HALF_CLOSED = "half-closed"
    """The server says that nothing follows, before the response's end, and goes on listening."""
    RESET = "reset"
    OPEN = "open"
    """It stays open, and nothing follows."""


class Counts(BaseModel):
    """The usage that is to be read."""

    model_config = ConfigDict(extra="forbid")

    prompt_tokens: int
    completion_tokens: int
    cached_prompt_tokens: int = 0
    cache_written_prompt_tokens: int = 0
    reasoning_tokens: int | None = None
    cost_usd: float | None = None


class Head(BaseModel):
    """What stands before the body."""

    model_config = ConfigDict(extra="forbid")

    about: str
    http_status: int = 200
    headers: dict[str, str] = {"Content-Type": "text/event-stream"}
    end: End = End.WHOLE
    model: dict[str, Any] = {}
    """Settings of the model in the pool file."""
    partial: str = ""
    status: str = "OK"
    """How the attempt ends, as in `CallStatus`."""
    text: str = ""
    reasoning_characters: int = 0
    usage: Counts | None = None
    tools: list[str] = []
    """Names of the tools that the request offers."""
    include_reasoning: bool = False
    top_log_probabilities: int | None = None
    tool_calls: list[dict[str, str]] = []
    """Name and arguments of each call, and its id; `new` for one that the router gives."""
    refusal: str = ""
    reasoning: str = ""
    log_probabilities: list[list[Any]] = []
    """Token and log probability of each token, then the same of its alternatives."""
    finish_reason: str | None = None
    """As in `FinishReason`."""
    retry_after_s: float | None = None
    backend_message: str | None = None
    """The backend's own words; unchecked if absent."""

    @property
    def options(self) -> GenerationOptions:
        """The options of the request."""
        return GenerationOptions(
            tools=tuple(Tool(name=name) for name in self.tools),
            include_reasoning=self.include_reasoning,
            top_log_probabilities=self.top_log_probabilities,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """One file."""

    backend: Backend
    name: str
    head: Head
    body: bytes

    @property
    def status(self) -> CallStatus | None:
        """How the attempt ends; None if it brings a whole reply."""
        return None if self.head.status == "OK" else CallStatus[self.head.status]


def load(path: Path) -> Transcript:
    """Returns the transcript in a file."""
    head, _, body = path.read_bytes().partition(_HEAD_END)
    return Transcript(
        backend=Backend(path.parent.name),
        name=path.stem,
        head=Head.model_validate(yaml.safe_load(head)),
        body=body,
    )


def all_transcripts() -> list[Transcript]:
    """Returns every transcript there is, in the order of their names."""
    return [load(path) for path in sorted(FOLDER.glob("*/*.txt"))]
