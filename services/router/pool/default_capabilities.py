"""The capabilities of models for which the pool file names none: what their backend always does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.router.pool.backend import Backend
from services.router.pool.families import Family
from services.router.types.options import Capability

if TYPE_CHECKING:
    from collections.abc import Mapping

_OPENAI_HOST = "api.openai.com"
_FORMATS = frozenset({Capability.JSON_OBJECT, Capability.JSON_SCHEMA})
_OF_BACKENDS: Mapping[Backend, frozenset[Capability]] = {
    Backend.VLLM: _FORMATS | {Capability.LOG_PROBABILITIES},
    Backend.SGLANG: _FORMATS | {Capability.LOG_PROBABILITIES},
    Backend.LLAMA_CPP: _FORMATS,
    Backend.OLLAMA: _FORMATS,
}
"""Those of these servers with any model. Tools depend on the model's chat template and on flags."""
_OF_OPENAI: Mapping[Family, frozenset[Capability]] = {
    Family.OTHER: _FORMATS | {Capability.TOOLS, Capability.PARALLEL_TOOLS},
    Family.OPENAI_REASONING: _FORMATS | {Capability.TOOLS, Capability.REASONING},
}
"""Those of OpenAI's own API with all current models of a family."""


def default_capabilities(
    backend: Backend, family: Family, host: str | None
) -> frozenset[Capability]:
    """Returns the capabilities of a model that the pool file says nothing about.

    Args:
        backend: The software that serves it.
        family: The family of the model.
        host: The host of the backend's URL, if there is one.
    """
    if backend is Backend.OPENAI and host == _OPENAI_HOST:
        return _OF_OPENAI.get(family, frozenset())
    return _OF_BACKENDS.get(backend, frozenset())
