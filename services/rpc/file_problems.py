"""The error of files that cannot be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class FileProblemsError(Exception):
    """Raised when files cannot be used; holds every problem found in them."""

    def __init__(self, problems: Sequence[str]) -> None:
        """Takes one line of text per problem."""
        super().__init__("\n".join(problems))
        self.problems = list(problems)
