"""Collects problems of data: a bounded list, and a count of the rest."""

from __future__ import annotations

MAX_LISTED = 100
"""Largest number of listed problems, so that a file of bad lines does not fill the memory."""


class Problems:
    """A list of problems in the order in which they are found."""

    def __init__(self) -> None:
        self.listed: list[str] = []
        self.unlisted = 0

    def add(self, problem: str) -> None:
        """Adds a problem; after ``MAX_LISTED``, problems are only counted."""
        if len(self.listed) < MAX_LISTED:
            self.listed.append(problem)
        else:
            self.unlisted += 1

    def __bool__(self) -> bool:
        return bool(self.listed)
