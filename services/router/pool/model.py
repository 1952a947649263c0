"""A model of the pool, as the operator describes it in the pool file."""

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
    field_validator,
    model_validator,
)

from services.router.model_priors.facts import ModelFacts, mean_price_usd
from services.router.pool.backend import Backend
from services.router.pool.backend_files import read_ca_file, read_key_file
from services.router.pool.endpoints import BaseUrl, Endpoints, Proxy
from services.router.pool.families import (
    PRESETS,
    Family,
    Preset,
    default_capabilities,
    default_request,
    guess_family,
)
from services.router.pool.prices import Prices
from services.router.pool.request_shape import RequestShape
from services.router.types.amounts import Amount
from services.router.types.options import Capability
from services.router.types.tokens import estimate_tokens, open_tokenizer

if TYPE_CHECKING:
    from pydantic import SecretStr

    from services.router.types.tokens import TokenCounter

Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Attribution(BaseModel):
    """The name and URL of the calling application, as OpenRouter shows them in its rankings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: HttpUrl
    title: str = Field(min_length=1, max_length=200, pattern=r"^[ -~]+$")


class PoolModel(BaseModel):
    """One model of the pool, as the operator describes it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(
        min_length=1, description="Unique name; best the same as in the scorer's artifact."
    )
    scorer_model: str | None = Field(
        default=None,
        min_length=1,
        description="The model's name in the scorer's artifact, if it differs. Absent: found by `id` "
        "and `backend_model`, however they spell it.",
    )
    backend: Backend = Field(default=Backend.OPENAI, description="The software that serves it.")
    url: BaseUrl | None = Field(
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
    proxy: Proxy | None = Field(
        default=None,
        description="URL of the HTTP proxy to the backend, or `none`. Absent: HTTPS_PROXY, HTTP_PROXY "
        "and NO_PROXY decide for URLs in this file, and addresses that are looked up have none.",
    )
    attribution: Attribution | None = Field(default=None, description="For OpenRouter only.")
    prompt_price_usd_per_million_tokens: Price
    completion_price_usd_per_million_tokens: Price
    cached_prompt_price_usd_per_million_tokens: Price | None = Field(
        default=None,
        description="Price of prompt tokens that the backend reads from its cache. Absent: the "
        "prompt's price.",
    )
    cache_written_prompt_price_usd_per_million_tokens: Price | None = Field(
        default=None,
        description="Price of prompt tokens that the backend writes to its cache. Absent: the "
        "prompt's price.",
    )
    context_window_tokens: int = Field(gt=0)
    tokenizer_file: Path | None = Field(
        default=None,
        description="The model's tokenizer.json, which counts prompts. Absent: an estimate.",
    )
    family: Family | None = Field(
        default=None,
        description="The family that decides what is not set below. Absent: guessed from the name.",
    )
    request: RequestShape = Field(
        default=RequestShape(),
        description="The shape of requests, where it differs from the family's.",
    )
    starts_in_reasoning: bool | None = Field(
        default=None,
        description="Its chat template opens the reasoning, so replies hold only `</think>`. "
        "Absent: as in its family.",
    )
    max_reply_tokens: int = Field(default=2048, gt=0)
    expected_reply_tokens: int = Field(default=400, gt=0)
    median_latency_s: float = Field(default=5.0, gt=0, allow_inf_nan=False)
    prior_score: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Used if the scorer is down or does not know the model. Absent: an estimate from "
        "names, prices and the scores of other models.",
    )
    temperature: float | None = Field(
        default=None, ge=0, le=2, description="Sent with requests that set none."
    )
    capabilities: tuple[Capability, ...] | None = Field(
        default=None,
        description="What the model can do beside text. Absent: what its backend does with any model.",
    )

    @field_validator("api_key_file")
    @classmethod
    def _key_file_holds_a_key(cls, path: Path | None) -> Path | None:
        if path is not None:
            read_key_file(path)
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

    @cached_property
    def _family(self) -> Family:
        if self.family is not None:
            return self.family
        return guess_family([self.backend_model or self.id, self.id], self.backend, self._host)

    @cached_property
    def scorer_names(self) -> tuple[str, ...]:
        """The names by which the scorer may know the model."""
        if self.scorer_model is not None:
            return (self.scorer_model,)
        return tuple(dict.fromkeys((self.id, self.backend_model or self.id)))

    @cached_property
    def facts(self) -> ModelFacts:
        """The facts that an estimate of its score uses."""
        names = (self.scorer_model, self.backend_model, self.id)
        return ModelFacts(
            names=tuple(dict.fromkeys(filter(None, names))),
            price_usd=mean_price_usd(self.prices.prompt, self.prices.completion),
        )

    @property
    def _host(self) -> str | None:
        urls = self.replicas.urls
        return urls[0].host if urls else None

    @cached_property
    def preset(self) -> Preset:
        """The settings of the model's family."""
        return PRESETS[self._family]

    @cached_property
    def abilities(self) -> frozenset[Capability]:
        """The capabilities of the model: those of the file, else those that its backend always has."""
        if self.capabilities is not None:
            return frozenset(self.capabilities)
        names = default_capabilities(self.backend, self._family, self._host)
        return frozenset(map(Capability, names))

    @cached_property
    def shape(self) -> RequestShape:
        """The shape of the model's requests: the file's settings, else those of its family."""
        own = self.request.model_dump(exclude_unset=True)
        preset = default_request(self.backend, self._family, self._host)
        return RequestShape.model_validate({**preset, **own})

    @property
    def reply_starts_in_reasoning(self) -> bool:
        """True if replies begin within the reasoning: as the file says, else as in its family."""
        if self.starts_in_reasoning is not None:
            return self.starts_in_reasoning
        return self.preset.starts_in_reasoning

    @property
    def sent_temperature(self) -> float | None:
        """The temperature of requests that set none; None if none is sent."""
        return None if self.shape.fixed_temperature else self.temperature

    def reply_limit(self, max_output_tokens: int | None) -> int:
        """Returns the most tokens of a reply: the model's limit, or the request's if it is lower."""
        if max_output_tokens is None:
            return self.max_reply_tokens
        return min(self.max_reply_tokens, max_output_tokens)

    def api_key(self) -> SecretStr | None:
        """Returns the key; the file is read each time, so that a rotated key takes effect.

        Raises:
            KeyFileError: The file holds no key now.
        """
        return None if self.api_key_file is None else read_key_file(self.api_key_file)

    @cached_property
    def prices(self) -> Prices:
        """The prices of its tokens."""
        prompt = self.prompt_price_usd_per_million_tokens
        cached = self.cached_prompt_price_usd_per_million_tokens
        written = self.cache_written_prompt_price_usd_per_million_tokens
        cached = prompt if cached is None else cached
        written = prompt if written is None else written
        return Prices(
            prompt=prompt,
            completion=self.completion_price_usd_per_million_tokens,
            cached_prompt=cached,
            cache_written_prompt=written,
            worst_prompt=max(prompt, cached, written),
        )

    @cached_property
    def price_version(self) -> str:
        """Identifies the model's prices; every ledger entry holds the version of its prices."""
        prices = self.prices
        of_cache = (prices.cached_prompt, prices.cache_written_prompt)
        shown = [prices.prompt, prices.completion]
        if of_cache != (prices.prompt, prices.prompt):
            shown += of_cache
        return short_hash(" ".join(map(repr, shown)))

    def worst_case(self, prompt_tokens: int, max_output_tokens: int | None = None) -> Amount:
        """Returns the amount of a call with the longest reply, at the highest prices."""
        reply_tokens = self.reply_limit(max_output_tokens)
        cost_usd = self.prices.worst_cost_usd(
            prompt_tokens=prompt_tokens, completion_tokens=reply_tokens
        )
        return Amount.of_call(prompt_tokens + reply_tokens, cost_usd)


def short_hash(text: str) -> str:
    """Returns twelve digits that identify a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]
