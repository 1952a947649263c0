"""Values in memory: the least recently used ones leave first, and all of them expire."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_ENTRY_BYTES = 300
"""Memory that an entry takes beside its value."""


class MemoryValues:
    """A `Values` of one process.

    Args:
        max_bytes: Most memory that all values may take; a value that is larger is not kept.
        clock: Returns the time in seconds.
    """

    def __init__(self, *, max_bytes: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._max_bytes = max_bytes
        self._clock = clock
        self._entries: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self.size_bytes = 0

    async def get(self, key: str) -> bytes | None:
        """Returns the value of a key; see `Values`."""
        return self.read(key)

    def read(self, key: str) -> bytes | None:
        """Returns the value of a key, without waiting."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        expires_s, value = entry
        if expires_s <= self._clock():
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return value

    def put(self, key: str, value: bytes, ttl_s: float) -> None:
        """Keeps a value; see `Values`."""
        if key in self._entries:
            self._drop(key)
        if len(value) + _ENTRY_BYTES > self._max_bytes:
            return
        self._entries[key] = (self._clock() + ttl_s, value)
        self.size_bytes += len(value) + _ENTRY_BYTES
        while self.size_bytes > self._max_bytes:
            self._drop(next(iter(self._entries)))

    def __len__(self) -> int:
        """Returns the number of values, expired ones included."""
        return len(self._entries)

    def _drop(self, key: str) -> None:
        _, value = self._entries.pop(key)
        self.size_bytes -= len(value) + _ENTRY_BYTES
