"""Runs a call to a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from services.router.backends.call import ModelCall
    from services.router.routing.events import Resumed

    Stream = Callable[[ModelCall], AsyncGenerator[str | Resumed, None]]
    """Runs a call; see `Generator.stream`."""


class Generator(Protocol):
    """Whatever can run a call."""

    def is_reachable(self, model_id: str) -> bool:
        """Says whether there is any replica that a call could go to."""
        ...

    def usual_silence_s(self, model_id: str) -> float | None:
        """Returns how long calls to a model take to begin, but for a few; None if that is unknown."""
        ...

    def stream(self, call: ModelCall) -> AsyncGenerator[str | Resumed, None]:
        """Yields the raw reply in pieces as it comes and keeps the call's record.

        `Resumed` stands where a reply broke off and goes on elsewhere: what follows joins on.

        Raises:
            CallFailedError: No whole reply came.
        """
        ...
