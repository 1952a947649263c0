"""Families of models: the requests that they accept and what they can do, guessed from a name."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Family(enum.StrEnum):
    """A family of models with the same peculiarities, as pool files spell it."""

    GEMMA = "gemma"
    """Gemma has no system role."""
    MISTRAL = "mistral"
    """Mistral's models up to 2024: several of their chat templates have no system role."""
    MISTRAL_API = "mistral-api"
    """Mistral's own API refuses `stream_options`; it reports the usage unasked."""
    OPENAI_REASONING = "openai-reasoning"
    """The o-series and gpt-5: another name of the token limit, and a fixed temperature."""
    OPENAI_O1_MINI = "openai-o1-mini"
    """The first of them also have no system role."""
    DEEPSEEK_R1 = "deepseek-r1"
    """DeepSeek R1 and its distillates: the chat template opens the reasoning."""
    QWEN_THINKING = "qwen-thinking"
    """QwQ and Qwen's thinking models: the same."""
    OTHER = "other"
    """Any other model; it accepts the usual requests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """The settings of a family; those of the pool file override them."""

    request: Mapping[str, str | bool] = field(default_factory=dict)
    """Fields of the request shape, as pool files spell them."""
    starts_in_reasoning: bool = False


_USER_ONLY: Mapping[str, str | bool] = {"system_role": "user"}
_REASONING: Mapping[str, str | bool] = {
    "token_limit_field": "max_completion_tokens",
    "fixed_temperature": True,
}
PRESETS: Mapping[Family, Preset] = {
    Family.GEMMA: Preset(request=_USER_ONLY),
    Family.MISTRAL: Preset(request=_USER_ONLY),
    Family.MISTRAL_API: Preset(request={"stream_options": False}),
    Family.OPENAI_REASONING: Preset(request=_REASONING),
    Family.OPENAI_O1_MINI: Preset(request={**_REASONING, **_USER_ONLY}),
    Family.DEEPSEEK_R1: Preset(starts_in_reasoning=True),
    Family.QWEN_THINKING: Preset(starts_in_reasoning=True),
    Family.OTHER: Preset(),
}

_TEMPLATED = frozenset({"vllm", "sglang", "tgi"})
"""Backends that pass on what a chat template makes of a reply; others separate reasoning themselves."""
_OPENAI = frozenset({"openai"})
"""OpenRouter, for one, translates requests itself."""
_MISTRAL_API_HOST = "api.mistral.ai"
_OPENAI_API_HOST = "api.openai.com"
_FORMATS = frozenset({"json_object", "json_schema"})
_CAPABILITIES_OF_BACKENDS: Mapping[str, frozenset[str]] = {
    "vllm": _FORMATS | {"log_probabilities"},
    "sglang": _FORMATS | {"log_probabilities"},
    "llama.cpp": _FORMATS,
    "ollama": _FORMATS,
}
"""Those of these servers with any model. Tools depend on the model's chat template and on flags."""
_CAPABILITIES_AT_OPENAI: Mapping[Family, frozenset[str]] = {
    Family.OTHER: _FORMATS | {"tools", "parallel_tools"},
    Family.OPENAI_REASONING: _FORMATS | {"tools", "reasoning"},
}
"""Those of OpenAI's own API with all current models of a family."""
_RULES: tuple[tuple[re.Pattern[str], frozenset[str] | None, Family], ...] = (
    (re.compile(r"gemma"), None, Family.GEMMA),
    # Their later chat templates have a system role.
    (re.compile(r"mistral[-_](small|medium|large)|pixtral|magistral|devstral"), None, Family.OTHER),
    (re.compile(r"mistral|mixtral|ministral|codestral|mathstral"), None, Family.MISTRAL),
    (re.compile(r"^(ft:)?o1-(mini|preview)"), _OPENAI, Family.OPENAI_O1_MINI),
    (re.compile(r"^(ft:)?(o[1-9]|gpt-[5-9])(?![0-9a-z])"), _OPENAI, Family.OPENAI_REASONING),
    # The template of R1-0528 leaves the opening tag to the model.
    (re.compile(r"deepseek-r1(?!.*0528)"), _TEMPLATED, Family.DEEPSEEK_R1),
    (re.compile(r"qwq-|qwen3.*-thinking"), _TEMPLATED, Family.QWEN_THINKING),
)
"""Patterns of names, the backends where they count if not all, and the family. The first that fits
counts. Names are in lower case, without the organization before a slash."""


def guess_family(names: Sequence[str], backend: str, host: str | None = None) -> Family:
    """Returns the family of a model.

    Args:
        names: The model's name at the backend, then its id; some servers ignore the name.
        backend: The backend, as pool files spell it.
        host: The host of the backend's URL, if there is one.
    """
    if host == _MISTRAL_API_HOST:
        return Family.MISTRAL_API
    for name in names:
        last = name.rsplit("/", 1)[-1].lower()
        for pattern, backends, family in _RULES:
            if (backends is None or backend in backends) and pattern.search(last):
                return family
    return Family.OTHER


def default_request(backend: str, family: Family, host: str | None) -> Mapping[str, str | bool]:
    """Returns the fields of the request shape, as pool files spell them, of a family at a backend.

    OpenAI's own API takes messages of any role in any order.
    """
    at_openai = backend in _OPENAI and host == _OPENAI_API_HOST
    return ({"alternate_roles": False} if at_openai else {}) | dict(PRESETS[family].request)


def default_capabilities(backend: str, family: Family, host: str | None) -> frozenset[str]:
    """Returns the capabilities, as pool files spell them, that a backend has with any model.

    Args:
        backend: The backend, as pool files spell it.
        family: The family of the model.
        host: The host of the backend's URL, if there is one.
    """
    if backend in _OPENAI and host == _OPENAI_API_HOST:
        return _CAPABILITIES_AT_OPENAI.get(family, frozenset())
    return _CAPABILITIES_OF_BACKENDS.get(backend, frozenset())
