"""Counts how often a model's answer can be compared with others."""

from __future__ import annotations

_WEIGHT = 0.02
"""Weight of the newest answer: about the last fifty count."""


class ComparableShare:
    """The share of free answers that end in a value; a half before the first one."""

    def __init__(self) -> None:
        self.value = 0.5

    def record(self, *, comparable: bool) -> None:
        """Counts one answer."""
        self.value += _WEIGHT * (comparable - self.value)
