"""Settings that were renamed or removed; each is accepted for one release, with a warning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Renamed:
    """A setting with another name; the old one still works."""

    name: str
    """The new name."""


@dataclass(frozen=True, slots=True)
class Removed:
    """A setting that is a constant now; its value is ignored."""

    fixed_value: str
    """The constant, for people."""


Former = Renamed | Removed


def with_current_names(
    variables: Mapping[str, str | None], prefix: str, former: Mapping[str, Former]
) -> dict[str, str | None]:
    """Returns environment variables with old names replaced by the new ones.

    Args:
        variables: By lower-case names.
        prefix: The service's, in lower case.
        former: The old settings.
    """
    current = dict(variables)
    for old, change in former.items():
        value = variables.get(f"{prefix}{old}")
        if isinstance(change, Renamed) and value is not None:
            current.setdefault(f"{prefix}{change.name}", value)
    return current


def conflicts(
    variables: Mapping[str, str | None], prefix: str, former: Mapping[str, Former]
) -> list[str]:
    """Returns a problem for every setting that is set by its old and its new name.

    Args:
        variables: By lower-case names.
        prefix: The service's, in lower case.
        former: The old settings.
    """
    sources: dict[str, list[str]] = {}
    for old, change in former.items():
        if isinstance(change, Renamed) and f"{prefix}{old}" in variables:
            sources.setdefault(change.name, []).append(old)
    problems = []
    for new, old_names in sources.items():
        both = f"{prefix}{new}" in variables
        names = [*old_names, new] if both else old_names
        # Two old names may have become one: with the same value they do not contradict each other.
        if both or len({variables[f"{prefix}{name}"] for name in names}) > 1:
            listed = " and ".join(f"{prefix}{name}".upper() for name in names)
            problems.append(f"{listed} are one setting: set {prefix.upper()}{new.upper()} alone")
    return problems
