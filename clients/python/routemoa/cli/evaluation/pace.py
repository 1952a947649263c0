"""How fast replayed models write, and how much faster than that the replay runs."""

from __future__ import annotations

from dataclasses import dataclass

from routemoa.cli.evaluation.tokens import reply_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """The same for all models: a recording says how much one wrote, not how long that took."""

    first_token_s: float
    tokens_per_second: float
    """Above zero."""
    speedup: float
    """So many times faster the server writes; measured times are multiplied by it."""

    def reply_s(self, text: str) -> float:
        """Returns how long a model takes to write a reply, in simulated seconds."""
        return self.first_token_s + reply_tokens(text) / self.tokens_per_second

    @property
    def simulator_arguments(self) -> tuple[str, ...]:
        """The command line that makes the replay server write so."""
        first_token_ms = 1000 * self.first_token_s / self.speedup
        tokens_per_second = self.tokens_per_second * self.speedup
        return (
            *("--time-to-first-token-ms", str(first_token_ms)),
            *("--tokens-per-second", str(tokens_per_second)),
        )
