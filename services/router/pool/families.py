"""Families of models: the requests that they accept, guessed from a model's name."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.router.pool.backend import Backend
from services.router.pool.request_shape import RequestShape, SystemRole, TokenLimitField

if TYPE_CHECKING:
    from collections.abc import Mapping


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

    request: RequestShape = field(default_factory=RequestShape)
    starts_in_reasoning: bool = False


_USER_ONLY = Preset(request=RequestShape(system_role=SystemRole.USER))
_REASONING = RequestShape(
    token_limit_field=TokenLimitField.MAX_COMPLETION_TOKENS, fixed_temperature=True
)
PRESETS: Mapping[Family, Preset] = {
    Family.GEMMA: _USER_ONLY,
    Family.MISTRAL: _USER_ONLY,
    Family.MISTRAL_API: Preset(request=RequestShape(stream_options=False)),
    Family.OPENAI_REASONING: Preset(request=_REASONING),
    Family.OPENAI_O1_MINI: Preset(
        request=_REASONING.model_copy(update={"system_role": SystemRole.USER})
    ),
    Family.DEEPSEEK_R1: Preset(starts_in_reasoning=True),
    Family.QWEN_THINKING: Preset(starts_in_reasoning=True),
    Family.OTHER: Preset(),
}

_ANY = frozenset(Backend)
_TEMPLATED = frozenset({Backend.VLLM, Backend.SGLANG, Backend.TGI})
"""Servers that pass on what a chat template makes of a reply; others separate reasoning themselves."""
_OPENAI = frozenset({Backend.OPENAI})
"""OpenRouter, for one, translates requests itself."""
_MISTRAL_API_HOST = "api.mistral.ai"
_RULES: tuple[tuple[re.Pattern[str], frozenset[Backend], Family], ...] = (
    (re.compile(r"gemma"), _ANY, Family.GEMMA),
    # Their later chat templates have a system role.
    (re.compile(r"mistral[-_](small|medium|large)|pixtral|magistral|devstral"), _ANY, Family.OTHER),
    (re.compile(r"mistral|mixtral|ministral|codestral|mathstral"), _ANY, Family.MISTRAL),
    (re.compile(r"^(ft:)?o1-(mini|preview)"), _OPENAI, Family.OPENAI_O1_MINI),
    (re.compile(r"^(ft:)?(o[1-9]|gpt-[5-9])(?![0-9a-z])"), _OPENAI, Family.OPENAI_REASONING),
    # The template of R1-0528 leaves the opening tag to the model.
    (re.compile(r"deepseek-r1(?!.*0528)"), _TEMPLATED, Family.DEEPSEEK_R1),
    (re.compile(r"qwq-|qwen3.*-thinking"), _TEMPLATED, Family.QWEN_THINKING),
)
"""The first rule that fits counts. Names are in lower case, without the organization before a slash."""


def guess_family(name: str, backend: Backend, host: str | None = None) -> Family:
    """Returns the family of a model.

    Args:
        name: The model's name at the backend.
        backend: The backend.
        host: The host of the backend's URL, if there is one.
    """
    if host == _MISTRAL_API_HOST:
        return Family.MISTRAL_API
    name = name.rsplit("/", 1)[-1].lower()
    fits = (family for rule, where, family in _RULES if backend in where and rule.search(name))
    return next(fits, Family.OTHER)
