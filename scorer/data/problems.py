"""What is wrong with data, collected to be told at once: a bounded list, and a count of the rest."""

from __future__ import annotations

MAX_LISTED = 100
"""Problems kept by their text; a file in which every line is bad must not fill the memory."""


class Problems:
    """Collects problems in the order they are found."""

    def __init__(self) -> None:
        self.listed: list[str] = []
        self.unlisted = 0

    def add(self, problem: str) -> None:
        """Adds one; beyond ``MAX_LISTED`` it is only counted."""
        if len(self.listed) < MAX_LISTED:
            self.listed.append(problem)
        else:
            self.unlisted += 1

    def __bool__(self) -> bool:
        return bool(self.listed)
