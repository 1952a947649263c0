"""The dialects by their name in a pool file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.router.backends.dialects.llamacpp import LlamaCppDialect
from services.router.backends.dialects.ollama import OllamaDialect
from services.router.backends.dialects.openai import OpenAiDialect, OpenRouterDialect, VllmDialect
from services.router.backends.dialects.tgi import TgiDialect, TgiNativeDialect
from services.router.pool.backend import Backend

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.router.backends.dialects.dialect import Dialect
    from services.router.pool.model import PoolModel

DIALECTS: Mapping[Backend, Dialect] = {
    Backend.OPENAI: OpenAiDialect(),
    Backend.VLLM: VllmDialect(),
    Backend.SGLANG: VllmDialect(),
    Backend.TGI: TgiDialect(),
    Backend.TGI_NATIVE: TgiNativeDialect(),
    Backend.LLAMA_CPP: LlamaCppDialect(),
    Backend.OLLAMA: OllamaDialect(),
    Backend.OPENROUTER: OpenRouterDialect(),
}


def dialect_of(model: PoolModel) -> Dialect:
    """Returns the dialect of a model's backend."""
    return DIALECTS[model.backend]
