"""The pool: the models that the router may call, read from a YAML file.

YAML text -> nodes with line numbers -> typed, validated models. A file with problems is rejected; the
error lists all of them, each with its line.
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    HttpUrl,
    SecretStr,
    field_validator,
    model_validator,
)

from services.router.pool.backend import ROOT_URL_BACKENDS, Backend
from services.router.pool.ca_file import read_ca_file
from services.router.pool.endpoints import Endpoints
from services.router.pool.yaml_file import YamlFile
from services.router.types.tokens import estimate_tokens, open_tokenizer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.router.types.tokens import TokenCounter

_UNLISTED = "is not one of the models"
Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Attribution(BaseModel):
    """The name and URL of the calling application, as OpenRouter shows them in its rankings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: HttpUrl
    title: str = Field(min_length=1, max_length=200, pattern=r"^[ -~]+$")


class PoolModel(BaseModel):
    """One model of the pool, as the operator describes it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(min_length=1, description="Unique name; the same as in the scorer's artifact.")
    backend: Backend = Field(default=Backend.OPENAI, description="The software that serves it.")
    url: HttpUrl | None = Field(
        default=None,
        description="Base URL of an OpenAI-compatible API, e.g. http://vllm:8000/v1; for Ollama and "
        "TGI's own API, the URL of the server's root.",
    )
    endpoints: Endpoints | None = Field(
        default=None,
        description="Instead of `url`, if several replicas serve the model: a list of URLs, "
        "`dns` or `endpoint_slices`.",
    )
    backend_model: str | None = Field(
        default=None, min_length=1, description="The model's name at the backend, if it differs."
    )
    api_key_file: Path | None = Field(default=None, description="File with the backend's API key.")
    ca_file: Path | None = Field(
        default=None,
        description="PEM file with the CAs of the backend. Absent: the system's CAs.",
    )
    attribution: Attribution | None = Field(default=None, description="For OpenRouter only.")
    prompt_price_usd_per_million_tokens: Price
    completion_price_usd_per_million_tokens: Price
    context_window_tokens: int = Field(gt=0)
    tokenizer_file: Path | None = Field(
        default=None,
        description="The model's tokenizer.json, which counts prompts. Absent: an estimate.",
    )
    starts_in_reasoning: bool = Field(
        default=False,
        description="Its chat template opens the reasoning, so replies hold only `</think>`.",
    )
    max_reply_tokens: int = Field(default=2048, gt=0)
    expected_reply_tokens: int = Field(default=400, gt=0)
    median_latency_s: float = Field(default=5.0, gt=0, allow_inf_nan=False)
    prior_score: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Used if the scorer is down or does not know the model. Absent: 0.5, or the mean "
        "score of the models that it knows.",
    )
    temperature: float | None = Field(default=None, ge=0, le=2)

    @field_validator("api_key_file")
    @classmethod
    def _key_file_exists(cls, path: Path | None) -> Path | None:
        if path is not None and not path.is_file():
            message = "no such file"
            raise ValueError(message)
        return path

    @field_validator("ca_file")
    @classmethod
    def _ca_file_can_be_used(cls, path: Path | None) -> Path | None:
        if path is not None:
            read_ca_file(path)
        return path

    @field_validator("tokenizer_file")
    @classmethod
    def _tokenizer_can_be_used(cls, path: Path | None) -> Path | None:
        if path is not None:
            open_tokenizer(path)
        return path

    @cached_property
    def count_tokens(self) -> TokenCounter:
        """The token counter: the model's tokenizer if the file names one, else an estimate."""
        return (
            estimate_tokens if self.tokenizer_file is None else open_tokenizer(self.tokenizer_file)
        )

    @model_validator(mode="after")
    def _is_somewhere(self) -> Self:
        if (self.url is None) == (self.endpoints is None):
            raise ValueError("needs either `url` or `endpoints`")
        return self

    @cached_property
    def replicas(self) -> Endpoints:
        """The addresses of the replicas: the one URL, or the endpoints."""
        if self.endpoints is not None:
            return self.endpoints
        return Endpoints(urls=None if self.url is None else (self.url,))

    def api_key(self) -> SecretStr | None:
        """Returns the key; the file is read each time, so that a rotated key takes effect."""
        if self.api_key_file is None:
            return None
        return SecretStr(self.api_key_file.read_text().strip())

    @cached_property
    def price_version(self) -> str:
        """Identifies the model's prices; every ledger entry holds the version of its prices."""
        return _short_hash(
            f"{self.prompt_price_usd_per_million_tokens!r}"
            f" {self.completion_price_usd_per_million_tokens!r}"
        )

    def cost_usd(self, prompt_tokens: int, completion_tokens: int) -> float:
        """Returns the cost of a call of that size at the model's prices."""
        return (
            prompt_tokens * self.prompt_price_usd_per_million_tokens
            + completion_tokens * self.completion_price_usd_per_million_tokens
        ) / 1e6


class Pool(BaseModel):
    """The models that the router may choose from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    models: tuple[PoolModel, ...]
    aggregator: str | None = Field(
        default=None, description="Merges the answers. Absent: the best-scored model that answered."
    )
    safe_models: tuple[str, ...] = Field(
        default=(),
        description="Models that run if the ranking of a query is too uncertain, in this order of "
        "preference. Absent: the ranking is used.",
    )

    @cached_property
    def by_id(self) -> Mapping[str, PoolModel]:
        """The models by their ids, in file order."""
        return {model.id: model for model in self.models}

    @cached_property
    def version(self) -> str:
        """Identifies the content of the pool file; it changes with any change of it."""
        return _short_hash(self.model_dump_json())


def load_pool(path: Path) -> Pool:
    """Returns the pool that a file describes.

    Raises:
        FileProblemsError: The file is missing, is not YAML or has problems; all are listed.
    """
    return YamlFile(Pool, path).check(_contradictions)


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _contradictions(file: YamlFile[Pool]) -> list[str]:
    pool = file.value
    problems = [] if pool.models else [file.problem(("models",), "is empty")]
    seen: set[str] = set()
    for number, model in enumerate(pool.models):
        field = ("models", number)
        if model.id in seen:
            problems.append(file.problem((*field, "id"), f"{model.id} is listed twice"))
        seen.add(model.id)
        problems += [file.problem((*field, key), text) for key, text in _model_problems(model)]
    if pool.aggregator is not None and pool.aggregator not in seen:
        problems.append(file.problem(("aggregator",), f"{pool.aggregator} {_UNLISTED}"))
    for number, model_id in enumerate(pool.safe_models):
        if model_id not in seen:
            problems.append(file.problem(("safe_models", number), f"{model_id} {_UNLISTED}"))
        if model_id in pool.safe_models[:number]:
            problems.append(file.problem(("safe_models", number), f"{model_id} is listed twice"))
    return problems


def _model_problems(model: PoolModel) -> list[tuple[str, str]]:
    """Returns a key and a text for each contradiction between the fields of a model."""
    problems = []
    if model.backend in ROOT_URL_BACKENDS and model.replicas.has_path("/v1"):
        key = "endpoints" if model.url is None else "url"
        problems.append((key, f"{model.backend} needs the URL of the server's root, without /v1"))
    if model.attribution is not None and model.backend is not Backend.OPENROUTER:
        problems.append(("attribution", "is only for the backend openrouter"))
    if model.max_reply_tokens >= model.context_window_tokens:
        text = (
            f"{model.max_reply_tokens} leaves no room for a prompt in a context window of "
            f"{model.context_window_tokens}"
        )
        problems.append(("max_reply_tokens", text))
    return problems
