"""The models' records: learned parameters of belief, reloaded when their file changes.

A file that cannot be used stops nothing: without parameters, all models' words weigh the same, and
every assessment says why.
"""

from __future__ import annotations

import asyncio
import enum
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import structlog

from scorer.belief.parameters import BeliefParametersError, load_parameters

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Set
    from pathlib import Path

    from scorer.belief.parameters import BeliefParameters

RELOAD_INTERVAL_S = 5.0
"""Time between looks at the file, as for the answer scorer."""
_log = structlog.get_logger()


class Lack(enum.Enum):
    """The reason why an assessment has no parameters; documented in the contract's `BeliefFallback`."""

    MISSING = enum.auto()
    NEWER = enum.auto()
    INVALID = enum.auto()
    FOREIGN = enum.auto()


class Records:
    """The parameters that were valid last, if there are any.

    Args:
        path: Their file; None for none.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._value: BeliefParameters | None = None
        self._lack: Lack | None = None
        self._problems: tuple[str, ...] = ()
        self.refresh()

    def of(self, model_ids: Set[str]) -> tuple[BeliefParameters | None, Lack | None]:
        """Returns the parameters for some models, or the reason why there are none.

        Both are None if none are configured.
        """
        if self._value is not None and self._value.model_ids.isdisjoint(model_ids):
            return None, Lack.FOREIGN
        return self._value, None if self._value is not None else self._lack

    def refresh(self) -> None:
        """Reads the file; if it cannot be used, the last valid parameters stay."""
        if self._path is None:
            return
        try:
            found = load_parameters(self._path)
        except BeliefParametersError as error:
            self._lack = Lack[error.kind.name]
            if error.problems != self._problems:
                _log.error("belief_refused", problems=list(error.problems))
            self._problems = error.problems
            return
        if self._value is None or found.version != self._value.version:
            _log.info("belief_opened", version=found.version)
        self._value, self._lack, self._problems = found, None, ()

    async def follow(self) -> None:
        """Reads the file again and again, until cancelled."""
        while True:
            await asyncio.sleep(RELOAD_INTERVAL_S)
            await asyncio.to_thread(self.refresh)


NO_RECORDS = Records(None)


@asynccontextmanager
async def open_records(path: Path) -> AsyncIterator[Records]:
    """Opens the file of the parameters, and follows it until the block ends."""
    records = Records(path)
    async with asyncio.TaskGroup() as tasks:
        following = tasks.create_task(records.follow())
        try:
            yield records
        finally:
            following.cancel()
