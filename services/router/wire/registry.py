"""The dialects, by the name that a pool file gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.router.wire.openai import OpenAiDialect

if TYPE_CHECKING:
    from services.router.pool import PoolModel
    from services.router.wire.dialect import Dialect

_OPENAI = OpenAiDialect()


def dialect_of(model: PoolModel) -> Dialect:  # noqa: ARG001  # there is one so far
    """Returns the dialect of a model's backend."""
    return _OPENAI
