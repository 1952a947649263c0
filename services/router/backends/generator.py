"""The interface of whatever runs a call to a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable

    from services.router.backends.call import ModelCall
    from services.router.routing.events import Resumed
    from services.router.types.pieces import Piece


class Generator(Protocol):
    """Runs calls to models."""

    def unreachable(self, model_ids: Iterable[str]) -> frozenset[str]:
        """Returns those of the models that have no replica."""
        ...

    def usual_silence_s(self, model_id: str) -> float | None:
        """Returns the time within which 95 % of a model's calls begin; None while it is unknown."""
        ...

    def stream(self, call: ModelCall) -> AsyncGenerator[Piece | Resumed, None]:
        """Yields the raw reply in pieces as it comes, and updates the call's record.

        `Resumed` marks the point where a broken reply continues on another replica. Only
        text is continued: a reply that breaks off after a call to a tool or a refusal has begun fails.

        Raises:
            CallFailedError: The call brought no whole reply.
        """
        ...
