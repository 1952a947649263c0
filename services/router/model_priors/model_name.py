"""Reads a model's name: its words, versions, sizes, date and quantization, however it is spelled.

`meta-llama/Llama-3.1-8B-Instruct`, `llama3.1:8b-instruct-q4_K_M`, `meta.llama3-1-8b-instruct-v1:0` and
`accounts/fireworks/models/llama-v3p1-8b-instruct` all name the same model.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from functools import lru_cache

MAX_CHARACTERS = 512
"""A longer name is cut: only its end is read."""
_DATE = re.compile(r"(?<!\d)20(2\d)-?(0[1-9]|1[0-2])(?:-?(?:[0-2]\d|3[01]))?(?![\dkb])")
_MONTH_FIRST = re.compile(r"(?<!\d)(0[1-9]|1[0-2])-20(2\d)(?!\d)")
_YEAR_AND_MONTH = re.compile(r"(?<![\d.])(2[3-9])(0[1-9]|1[0-2])(?![\dkb])")
_RANDOM_ID = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<![^\W_])[0-9a-f]{16,}(?![^\W_])"
)
_QUANTIZED = re.compile(
    r"(?:(?<=[^a-z0-9])|^)(?:u?d?-?i?q\d(?:_[a-z0-9]+)*|int-?[48]|fp-?[48]|nvfp4|mxfp4|awq|gptq|gguf|ggml"
    r"|exl[23]|bnb|nf4|[2-8][-_]?bit|w\d+a\d+|mlx|quantized)(?=[^a-z0-9]|$)"
)
_RESPELLED: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\.(?:gguf|bin|safetensors)$"), "-gguf"),
    (re.compile(r"-\d{5}-of-\d{5}"), ""),
    # Amazon Bedrock: a region and a provider before the name, a version of the service after it.
    (re.compile(r"^(?:[a-z]{2,6}\.)?(?:anthropic|meta|mistral|amazon|cohere|ai21|deepseek)\."), ""),
    (re.compile(r"-v[1-9]\d*:\d+(?::\w+)?$"), ""),
    (re.compile(r"-v0:(\d)$"), r"-v0.\1"),
    # Vertex AI puts a version of the service before a date.
    (re.compile(r"-v\d@"), "@"),
    # Azure has no dot in names, and Fireworks writes a `p`.
    (re.compile(r"gpt-?35(?!\d)"), "gpt-3.5"),
    (re.compile(r"v(\d+)p(\d+)(?!\d)"), r"v\1.\2"),
    # Variants of a route at OpenRouter: the model is the same.
    (re.compile(r":(?:free|nitro|floor|extended|exacto|beta|latest)$"), ""),
)
_WORD_BEFORE_NUMBER = re.compile(r"(?<=[^\W\d_]{2})(?=\d)")
_SEPARATORS = re.compile(r"[^\w.]+|_+|(?<!\d)\.|\.(?!\d)")
_SIZE = re.compile(r"^(?:(\d{1,3})x)?e?(\d{1,4}(?:\.\d{1,3})?)([bmt])$")
_ACTIVE_SIZE = re.compile(r"^a(\d{1,4}(?:\.\d{1,3})?)b$")
_VERSION = re.compile(r"^v?(\d{1,2}(?:\.\d{1,3}){0,2})$")
_REVISION = re.compile(r"^(?:v?0\d|\d{3,4})$")
_BILLIONS = {"b": 1.0, "m": 1e-3, "t": 1e3}
_INSTRUCT = frozenset({"instruct", "chat", "it", "inst"})
_BASE = frozenset({"base", "pt", "pretrained", "text"})
_SILENT = frozenset(
    {"meta", "mistralai", "hf", "c4ai", "latest", "fp16", "bf16", "f16", "f32", "model", "models"}
)
"""Words that say nothing of which model it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelName:
    """A model's name, taken apart."""

    words: tuple[str, ...]
    """Its words and versions in lower case, in their order; sizes, dates and formats are not in it."""
    size_b: float | None = None
    """Billions of parameters; for a mixture of experts written as 8x7b, of one expert."""
    expert_count: int = 1
    active_b: float | None = None
    """Billions of parameters that a token uses, if the name says it (`a3b`)."""
    month: str = ""
    """The month of its release as YYYY-MM, if the name has it."""
    revisions: tuple[str, ...] = ()
    """The date, or numbers such as 0613 and 002, that tell releases of the same model apart."""
    is_instruct: bool = False
    is_quantized: bool = False

    @property
    def identity(self) -> tuple[object, ...]:
        """Equal for two names of the same model, its releases and quantizations apart."""
        return (
            tuple(sorted(self.words)),
            self.expert_count,
            self.size_b,
            self.active_b,
            self.is_instruct,
        )


@lru_cache(maxsize=8192)
def read_model_name(text: str) -> ModelName:
    """Returns a name, taken apart; any text has a result."""
    name = unicodedata.normalize("NFKC", text[-MAX_CHARACTERS:]).casefold().strip().rstrip("/")
    name = _RANDOM_ID.sub("-", name.rsplit("/", 1)[-1])
    for pattern, replacement in _RESPELLED:
        name = pattern.sub(replacement, name)
    tag = name.partition(":")[2]
    month, date, name = _take_date(name)
    plain = _QUANTIZED.sub("-", name)
    tokens = _SEPARATORS.split(_WORD_BEFORE_NUMBER.sub("-", plain))
    read = _read_tokens([t for t in tokens if t], tag)
    return replace(
        read,
        month=month,
        revisions=((date,) if date else ()) + read.revisions,
        is_quantized=plain != name,
    )


def _take_date(name: str) -> tuple[str, str, str]:
    """Returns the month of a date in a name, the date itself, and the name without it."""
    for pattern in (_DATE, _MONTH_FIRST, _YEAR_AND_MONTH):
        found = pattern.search(name)
        if found is not None:
            first, second = found.groups()
            year, month = (second, first) if pattern is _MONTH_FIRST else (first, second)
            rest = f"{name[: found.start()]}-{name[found.end() :]}"
            return f"20{year}-{month}", re.sub(r"\D", "", found[0]), rest
    return "", "", name


def _read_tokens(tokens: list[str], tag: str) -> ModelName:
    words: list[str] = []
    revisions: list[str] = []
    size_b: float | None = None
    active_b: float | None = None
    expert_count, instruct, base = 1, False, False
    for token in _joined(tokens):
        if (size := _SIZE.match(token)) is not None and size_b is None:
            expert_count = int(size[1] or 1)
            size_b = float(size[2]) * _BILLIONS[size[3]]
        elif (active := _ACTIVE_SIZE.match(token)) is not None:
            active_b = float(active[1])
        elif _REVISION.match(token):
            revisions.append(token.removeprefix("v"))
        elif (version := _VERSION.match(token)) is not None:
            words.append(version[1].removesuffix(".0"))
        elif token in _INSTRUCT:
            instruct = True
        elif token in _BASE:
            base = True
        elif token not in _SILENT:
            words.append(token)
    # Ollama's tags of a size alone are models for chats.
    of_chat_tag = size_b is not None and not base and _SIZE.match(tag.partition("-")[0]) is not None
    return ModelName(
        words=tuple(words),
        size_b=size_b,
        expert_count=max(1, expert_count),
        active_b=active_b,
        revisions=tuple(revisions),
        is_instruct=instruct or of_chat_tag,
    )


def _joined(tokens: list[str]) -> list[str]:
    """Returns the tokens with versions such as `3-5` written `3.5`."""
    joined: list[str] = []
    for token in tokens:
        last = joined[-1] if joined else ""
        is_digit = len(token) == 1 and token.isdecimal()
        if is_digit and len(last.removeprefix("v")) == 1 and last.removeprefix("v").isdecimal():
            joined[-1] = f"{last}.{token}"
        else:
            joined.append(token)
    return joined
