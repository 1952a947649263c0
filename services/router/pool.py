"""The pool: the models that the router may call, read from a YAML file.

YAML text -> nodes with line numbers -> typed, checked models. A file with problems is refused with all
of them, each with its line.
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    HttpUrl,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from services.router.replicas.endpoints import Endpoints
from services.router.tokenizer import open_tokenizer
from services.router.tokens import estimate_tokens
from services.router.wire.backend import ROOT_URL_BACKENDS, Backend
from services.router.wire.tls import read_ca_file
from services.rpc.reload import FileProblemsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.router.tokens import TokenCounter

Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class PoolError(FileProblemsError):
    """A pool file that cannot be used.

    Args:
        path: The file.
        problems: Everything that is wrong with it, one line of text each.
    """

    def __init__(self, path: Path, problems: list[str]) -> None:
        super().__init__([f"{path}: {problem}" for problem in problems])
        self.problems = problems


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
        PoolError: The file is missing, is not YAML or has problems; all are listed.
    """
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
        data = None if root is None else yaml.SafeLoader("").construct_document(root)
    except (OSError, UnicodeDecodeError) as error:
        raise PoolError(path, [f"cannot be read: {error}"]) from error
    except yaml.YAMLError as error:
        raise PoolError(path, [f"is not YAML: {error}"]) from error
    if root is None:
        raise PoolError(path, ["is empty; it needs a list `models`"])
    try:
        pool = Pool.model_validate(data)
    except ValidationError as error:
        raise PoolError(path, [_problem(root, item) for item in error.errors()]) from error
    problems = _contradictions(pool, root)
    if problems:
        raise PoolError(path, problems)
    return pool


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _problem(root: yaml.Node, item: Any) -> str:
    where = ".".join(str(part) for part in item["loc"])
    return f"line {_line(root, item['loc'])}: {where or 'file'}: {item['msg']}"


def _contradictions(pool: Pool, root: yaml.Node) -> list[str]:
    problems = [] if pool.models else [f"line {_line(root, ('models',))}: models: is empty"]
    seen: set[str] = set()
    for number, model in enumerate(pool.models):
        place = f"line {_line(root, ('models', number, 'id'))}: models.{number}"
        if model.id in seen:
            problems.append(f"{place}.id: {model.id} is listed twice")
        seen.add(model.id)
        problems += [f"{place}.{problem}" for problem in _backend_problems(model)]
        if model.max_reply_tokens >= model.context_window_tokens:
            problems.append(
                f"{place}.max_reply_tokens: {model.max_reply_tokens} leaves no room for a prompt in "
                f"a context window of {model.context_window_tokens}"
            )
    if pool.aggregator is not None and pool.aggregator not in seen:
        line = _line(root, ("aggregator",))
        problems.append(f"line {line}: aggregator: {pool.aggregator} is not one of the models")
    for number, model_id in enumerate(pool.safe_models):
        place = f"line {_line(root, ('safe_models', number))}: safe_models.{number}"
        if model_id not in seen:
            problems.append(f"{place}: {model_id} is not one of the models")
        if model_id in pool.safe_models[:number]:
            problems.append(f"{place}: {model_id} is listed twice")
    return problems


def _backend_problems(model: PoolModel) -> list[str]:
    problems = []
    if model.backend in ROOT_URL_BACKENDS and model.replicas.has_path("/v1"):
        key = "endpoints" if model.url is None else "url"
        problems.append(f"{key}: {model.backend} is called at its root, without /v1")
    if model.attribution is not None and model.backend is not Backend.OPENROUTER:
        problems.append("attribution: is for the backend openrouter alone")
    return problems


def _line(node: yaml.Node, location: tuple[str | int, ...]) -> int:
    """Returns the line, from 1, of the deepest part of a location that the file holds."""
    for part in location:
        if part == "urls" and isinstance(node, yaml.SequenceNode):
            continue  # the key that a bare list of endpoints stands for
        child: yaml.Node | None = None
        if isinstance(node, yaml.MappingNode):
            child = next((value for key, value in node.value if key.value == part), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            child = node.value[part] if part < len(node.value) else None
        if child is None:
            break
        node = child
    return int(node.start_mark.line) + 1
