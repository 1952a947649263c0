"""The dialects, by the name that a pool file gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.router.wire.backend import Backend
from services.router.wire.continuing import ContinuingDialect
from services.router.wire.llamacpp import LlamaCppDialect
from services.router.wire.ollama import OllamaDialect
from services.router.wire.openai import OpenAiDialect
from services.router.wire.openrouter import OpenRouterDialect
from services.router.wire.tgi import TgiDialect, TgiNativeDialect

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.router.pool import PoolModel
    from services.router.wire.dialect import Dialect

DIALECTS: Mapping[Backend, Dialect] = {
    Backend.OPENAI: OpenAiDialect(),
    Backend.VLLM: ContinuingDialect(),
    Backend.SGLANG: ContinuingDialect(),
    Backend.TGI: TgiDialect(),
    Backend.TGI_NATIVE: TgiNativeDialect(),
    Backend.LLAMA_CPP: LlamaCppDialect(),
    Backend.OLLAMA: OllamaDialect(),
    Backend.OPENROUTER: OpenRouterDialect(),
}


def dialect_of(model: PoolModel) -> Dialect:
    """Returns the dialect of a model's backend."""
    return DIALECTS[model.backend]
