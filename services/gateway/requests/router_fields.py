"""Problems that the router found, under the names that the caller gave the fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.gateway.api import ApiError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping


def renamed(error: ApiError, names: Mapping[str, str]) -> ApiError:
    """Returns an error whose problems have the API's names of fields.

    Args:
        error: The error.
        names: The API's name of each field of the router's request; a field's own fields follow it.
    """
    problems = [
        Problem(field=_renamed(problem.field, names), description=problem.description)
        for problem in error.problems
    ]
    if tuple(problems) == error.problems:
        return error
    return ApiError(
        error.kind,
        "; ".join(f"{problem.field}: {problem.description}" for problem in problems),
        problems=problems,
        code=error.code,
        retry_after_s=error.retry_after_s,
        retryable=error.retryable,
    )


def _renamed(field: str, names: Mapping[str, str]) -> str:
    for name, api_name in names.items():
        rest = field.removeprefix(name)
        if rest != field and rest[:1] in ("", ".", "["):
            return (api_name + rest).removeprefix(".")
    return field
