"""The writing speed of replayed models, and the factor by which the replay is faster."""

from __future__ import annotations

from dataclasses import dataclass

from services.simulator.stream import split_pieces


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayPacing:
    """One speed for all models, since recordings hold texts but no times."""

    first_token_s: float
    tokens_per_second: float
    """Above zero."""
    speedup: float
    """The factor by which the replay is faster; measured times are multiplied by it."""

    def reply_s(self, text: str) -> float:
        """Returns the time that a model takes to write a reply, in simulated seconds."""
        return self.first_token_s + len(split_pieces(text)) / self.tokens_per_second

    @property
    def simulator_arguments(self) -> tuple[str, ...]:
        """The simulator's options for this speed."""
        first_token_ms = 1000 * self.first_token_s / self.speedup
        tokens_per_second = self.tokens_per_second * self.speedup
        return (
            *("--time-to-first-token-ms", str(first_token_ms)),
            *("--tokens-per-second", str(tokens_per_second)),
        )
