"""The report of `make test-models`: what real models wrote, and how much of it was read."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(slots=True, kw_only=True)
class Replies:
    """Replies of one model to one kind of call."""

    count: int = 0
    following: int = 0
    """Replies that hold the call's nonce and a self-score from 0 to 1."""
    read: int = 0
    """Those of them whose self-score was read."""
    leaks: int = 0
    """Answers that show protocol text."""
    tokens: int = 0
    seconds: float = 0.0

    def add(
        self, *, follows: bool, is_read: bool, leaks: bool, tokens: int, seconds: float
    ) -> None:
        """Counts a reply."""
        self.count += 1
        self.following += follows
        self.read += follows and is_read
        self.leaks += leaks
        self.tokens += tokens
        self.seconds += seconds

    @property
    def row(self) -> str:
        """A row of the table."""
        share = f"{self.read / self.following:.0%}" if self.following else "-"
        speed = f"{self.tokens / self.seconds:.1f}" if self.seconds else "-"
        return f"{self.count} | {self.following} | {self.read} | {share} | {self.leaks} | {speed}"


@dataclass(slots=True, kw_only=True)
class Report:
    """The rows of the report."""

    replies: dict[tuple[str, str], Replies] = field(default_factory=lambda: defaultdict(Replies))
    """By kind of call and model."""
    strategies: dict[str, str] = field(default_factory=dict)
    """Rows by strategy."""
    unread: list[str] = field(default_factory=list)
    """Raw replies that follow the protocol, but whose self-score was not read."""
    facts: list[str] = field(default_factory=list)

    def write(self, path: Path) -> None:
        """Writes the report, if there is anything in it."""
        if not (self.replies or self.strategies or self.facts):
            return
        lines = [
            "# Small real models, served by llama.cpp",
            "",
            "A reply follows the protocol if it holds the call's nonce and a self-score from 0 to 1.",
            "",
            "| call | model | replies | following | read | share | leaks | tokens/s |",
            "| --- | --- | --- | --- | --- | --- | --- | --- |",
            *(f"| {call} | {model} | {r.row} |" for (call, model), r in self.replies.items()),
            "",
            "| strategy | answered by | calls | first text, s | total, s | leaks |",
            "| --- | --- | --- | --- | --- | --- |",
            *(f"| `{name}` | {row} |" for name, row in self.strategies.items()),
            "",
            *(f"- {fact}" for fact in self.facts),
            *(f"- Not read: `{raw!r}`" for raw in self.unread),
        ]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n")
