"""The pool: the models that the router may call, read from a YAML file.

YAML text -> nodes with line numbers -> typed, checked models. A file with problems is refused with all
of them, each with its line.
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
from services.router.types.tokenizer import open_tokenizer
from services.router.types.tokens import estimate_tokens

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.router.types.tokens import TokenCounter

_UNLISTED = "is not one of the models"
Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Attribution(BaseModel):
    """Who calls, as OpenRouter shows it in its rankings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: HttpUrl
    title: str = Field(min_length=1, max_length=200, pattern=r"^[ -~]+$")


class PoolModel(BaseModel):
    """One model of the pool, as its operator describes it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(
        min_length=1, description="Unique name; the scorer's artifact knows it by this."
    )
    backend: Backend = Field(default=Backend.OPENAI, description="What serves it.")
    url: HttpUrl | None = Field(
        default=None,
        description="Base URL of an OpenAI-compatible API, e.g. http://vllm:8000/v1; of Ollama and of "
        "TGI's own API, the server's root.",
    )
    endpoints: Endpoints | None = Field(
        default=None,
        description="In place of `url`, where several replicas serve the model: a list of URLs, "
        "`dns` or `endpoint_slices`.",
    )
    backend_model: str | None = Field(
        default=None, min_length=1, description="The name that the backend knows it by, if another."
    )
    api_key_file: Path | None = Field(
        default=None, description="File that holds the backend's key."
    )
    ca_file: Path | None = Field(
        default=None,
        description="PEM file with the CAs of the backend. Absent: those of the system.",
    )
    attribution: Attribution | None = Field(default=None, description="For OpenRouter alone.")
    prompt_price_usd_per_million_tokens: Price
    completion_price_usd_per_million_tokens: Price
    context_window_tokens: int = Field(gt=0)
    tokenizer_file: Path | None = Field(
        default=None,
        description="The model's tokenizer.json, by which prompts are counted. Absent: estimated.",
    )
    starts_in_reasoning: bool = Field(
        default=False,
        description="Its chat template opens the reasoning, so that replies hold only `</think>`.",
    )
    max_reply_tokens: int = Field(default=2048, gt=0)
    expected_reply_tokens: int = Field(default=400, gt=0)
    median_latency_s: float = Field(default=5.0, gt=0, allow_inf_nan=False)
    prior_score: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Stands in where the scorer is down or does not know the model.",
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
        """Counts the tokens of a text: by the model's tokenizer if it is known, else an estimate."""
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
        """Where the replicas are: the one URL, or the endpoints."""
        if self.endpoints is not None:
            return self.endpoints
        return Endpoints(urls=None if self.url is None else (self.url,))

    def api_key(self) -> SecretStr | None:
        """Returns the key, read anew so that a rotated one is picked up."""
        if self.api_key_file is None:
            return None
        return SecretStr(self.api_key_file.read_text().strip())

    @cached_property
    def price_version(self) -> str:
        """Names the model's prices, so that a ledger entry says which ones it was reckoned with."""
        return _short_hash(
            f"{self.prompt_price_usd_per_million_tokens!r}"
            f" {self.completion_price_usd_per_million_tokens!r}"
        )

    def cost_usd(self, prompt_tokens: int, completion_tokens: int) -> float:
        """Returns what a call of that size costs at the pool's prices."""
        return (
            prompt_tokens * self.prompt_price_usd_per_million_tokens
            + completion_tokens * self.completion_price_usd_per_million_tokens
        ) / 1e6


class Pool(BaseModel):
    """The models the router may choose from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    models: tuple[PoolModel, ...]
    aggregator: str | None = Field(
        default=None, description="Merges the answers. Absent: the best-scored model that answered."
    )
    safe_models: tuple[str, ...] = Field(
        default=(),
        description="Run for a query whose ranking is too uncertain, the first ones first. Absent: the "
        "ranking stands.",
    )

    @cached_property
    def by_id(self) -> Mapping[str, PoolModel]:
        """The models by their ids, in file order."""
        return {model.id: model for model in self.models}

    @cached_property
    def version(self) -> str:
        """Names the pool as it is: another one after any change of the file's content."""
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
        place = ("models", number)
        if model.id in seen:
            problems.append(file.problem((*place, "id"), f"{model.id} is listed twice"))
        seen.add(model.id)
        problems += [file.problem((*place, key), text) for key, text in _model_problems(model)]
    if pool.aggregator is not None and pool.aggregator not in seen:
        problems.append(file.problem(("aggregator",), f"{pool.aggregator} {_UNLISTED}"))
    for number, model_id in enumerate(pool.safe_models):
        if model_id not in seen:
            problems.append(file.problem(("safe_models", number), f"{model_id} {_UNLISTED}"))
        if model_id in pool.safe_models[:number]:
            problems.append(file.problem(("safe_models", number), f"{model_id} is listed twice"))
    return problems


def _model_problems(model: PoolModel) -> list[tuple[str, str]]:
    """Returns keys of a model with what is wrong between them and others."""
    problems = []
    if model.backend in ROOT_URL_BACKENDS and model.replicas.has_path("/v1"):
        key = "endpoints" if model.url is None else "url"
        problems.append((key, f"{model.backend} is called at its root, without /v1"))
    if model.attribution is not None and model.backend is not Backend.OPENROUTER:
        problems.append(("attribution", "is for the backend openrouter alone"))
    if model.max_reply_tokens >= model.context_window_tokens:
        text = (
            f"{model.max_reply_tokens} leaves no room for a prompt in a context window of "
            f"{model.context_window_tokens}"
        )
        problems.append(("max_reply_tokens", text))
    return problems
