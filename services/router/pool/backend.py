"""The kinds of backends."""

from __future__ import annotations

import enum


class Backend(enum.StrEnum):
    """The software that serves a model, as pool files spell it."""

    OPENAI = "openai"
    """Any other server of OpenAI's chat completions API."""
    VLLM = "vllm"
    SGLANG = "sglang"
    TGI = "tgi"
    TGI_NATIVE = "tgi-native"
    LLAMA_CPP = "llama.cpp"
    OLLAMA = "ollama"
    OPENROUTER = "openrouter"


CONTINUING_BACKENDS = frozenset(
    {Backend.VLLM, Backend.SGLANG, Backend.LLAMA_CPP, Backend.TGI_NATIVE}
)
"""The backends that can continue the start of an answer."""
ROOT_URL_BACKENDS = frozenset({Backend.OLLAMA, Backend.TGI_NATIVE})
"""Backends whose base URL is the server's root instead of that of an OpenAI-compatible API."""
