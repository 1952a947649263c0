"""The kinds of backends."""

from __future__ import annotations

import enum


class Backend(enum.StrEnum):
    """What serves a model, as pool files spell it."""

    OPENAI = "openai"
    """Anything else that speaks OpenAI's chat completions."""
    VLLM = "vllm"
    SGLANG = "sglang"
    TGI = "tgi"
    TGI_NATIVE = "tgi-native"
    LLAMA_CPP = "llama.cpp"
    OLLAMA = "ollama"
    OPENROUTER = "openrouter"


ROOT_URL_BACKENDS = frozenset({Backend.OLLAMA, Backend.TGI_NATIVE})
"""Those whose base URL is the server's root, not that of its OpenAI-compatible API."""
