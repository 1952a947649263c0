"""What every way of answering has in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from services.router.engine.engine import Stage
    from services.router.engine.run import Run
    from services.router.routing.events import Event


class Strategy(Protocol):
    """Decides who is called, with what, and when to stop.

    Whatever it has models do goes through the stage, so that ledger, limits and deadline are the same
    for all strategies.
    """

    @property
    def defaults(self) -> Mapping[str, float]:
        """What it takes for policy fields that neither the request nor the operator sets."""
        ...

    def answer(self, run: Run, stage: Stage) -> AsyncGenerator[Event, None]:
        """Yields what happens, all but the `Result`, and sets `run.final`.

        Raises:
            NoEligibleModelError: The policy leaves no model that may run.
            ModelPoolMismatchError: The scorer does not know a model of the pool.
            GenerationFailedError: Every model failed.
            AnswerTimedOutError: No model answered in time.
        """
        ...
