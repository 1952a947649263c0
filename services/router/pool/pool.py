"""The pool: the models that the router may call, read from a YAML file.

YAML text -> nodes with line numbers -> typed, validated models. A file with problems is rejected; the
error lists all of them, each with its line.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, overload

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from services.router.pool.backend import ROOT_URL_BACKENDS, Backend
from services.router.pool.model import PoolModel, short_hash
from services.router.pool.prices import PricesOf
from services.router.pool.yaml_file import YamlFile
from services.router.types.id_order import alphabetical_places
from services.router.types.options import Capability

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from pathlib import Path

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Integers = npt.NDArray[np.int64]
    Booleans = npt.NDArray[np.bool_]

_UNLISTED = "is not one of the models"
_CHAT_COMPLETIONS_ONLY = {"token_limit_field", "stream_options"}
"""Fields of `request` that only requests for chat completions have."""
_FIXED_TEMPERATURE = 1.0
_KEPT_SUBSETS = 64
"""Requests differ in what they need and allow, but few differ at a time."""


class ModelSet(Sequence["PoolModel"]):
    """Some models of a pool, in file order. Arrays have the shape (M,); sets compare by identity.

    Args:
        models: The models.
    """

    def __init__(self, models: Iterable[PoolModel]) -> None:
        self._models = tuple(models)
        self.ids = tuple(model.id for model in self._models)
        self._subset = lru_cache(_KEPT_SUBSETS)(self._new_subset)
        self._able = lru_cache(_KEPT_SUBSETS)(self._new_able)
        self.least_room = lru_cache(_KEPT_SUBSETS)(self._new_least_room)
        """Returns the least tokens that a reply of at most so many leaves in a context window."""

    def __len__(self) -> int:
        """Returns the number of models."""
        return len(self._models)

    @overload
    def __getitem__(self, index: int) -> PoolModel: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[PoolModel, ...]: ...
    def __getitem__(self, index: int | slice) -> PoolModel | tuple[PoolModel, ...]:
        """Returns one model, or some."""
        return self._models[index]

    @cached_property
    def places(self) -> Mapping[str, int]:
        """The index of each model by its id."""
        return {model_id: index for index, model_id in enumerate(self.ids)}

    @cached_property
    def id_place(self) -> Integers:
        """The place of each id in alphabetical order."""
        return alphabetical_places(self.ids)

    @cached_property
    def prices(self) -> PricesOf[Floats]:
        """The prices of the models."""
        return PricesOf(
            prompt=self._floats(lambda model: model.prices.prompt),
            completion=self._floats(lambda model: model.prices.completion),
            cached_prompt=self._floats(lambda model: model.prices.cached_prompt),
            cache_written_prompt=self._floats(lambda model: model.prices.cache_written_prompt),
            worst_prompt=self._floats(lambda model: model.prices.worst_prompt),
        )

    @cached_property
    def context_window_tokens(self) -> Integers:
        """The context windows."""
        return np.array([model.context_window_tokens for model in self._models], dtype=np.int64)

    @cached_property
    def _max_reply_tokens(self) -> Integers:
        return np.array([model.max_reply_tokens for model in self._models], dtype=np.int64)

    @cached_property
    def expected_reply_tokens(self) -> Floats:
        """The tokens of a reply that the pool file expects."""
        return self._floats(lambda model: model.expected_reply_tokens)

    @cached_property
    def median_latency_s(self) -> Floats:
        """The median latencies of the pool file."""
        return self._floats(lambda model: model.median_latency_s)

    def reply_limits(self, max_output_tokens: int | None) -> Integers:
        """Returns the most tokens of a reply: the models' limits, or the request's if it is lower."""
        if max_output_tokens is None:
            return self._max_reply_tokens
        return np.minimum(self._max_reply_tokens, max_output_tokens)

    def able(self, needs: frozenset[Capability]) -> Booleans:
        """Returns which models have some capabilities."""
        return self._able(needs)

    def among(self, model_ids: Collection[str]) -> Booleans:
        """Returns which models are among those with such ids; ids of other models are ignored."""
        mask = np.zeros(len(self), dtype=np.bool_)
        places = self.places
        mask[[places[model_id] for model_id in model_ids if model_id in places]] = True
        return mask

    def subset(self, mask: Booleans) -> ModelSet:
        """Returns the models that a mask selects: the same set as for an equal mask shortly before."""
        return self if mask.all() else self._subset(mask.tobytes())

    def column(self, values: Mapping[str, float], default: Floats) -> Floats:
        """Returns the value of each model by its id, or else its default."""
        if not values:
            return default
        found = map(values.get, self.ids, default.tolist())
        return np.fromiter(found, dtype=np.float64, count=len(self))

    def _floats(self, value_of: Callable[[PoolModel], float]) -> Floats:
        return np.array([value_of(model) for model in self._models], dtype=np.float64)

    def _new_subset(self, mask: bytes) -> ModelSet:
        chosen = np.flatnonzero(np.frombuffer(mask, dtype=np.bool_))
        return ModelSet(self._models[index] for index in chosen.tolist())

    def _new_least_room(self, max_output_tokens: int | None) -> int:
        room = self.context_window_tokens - self.reply_limits(max_output_tokens)
        return int(room.min(initial=np.iinfo(np.int64).max))

    def _new_able(self, needs: frozenset[Capability]) -> Booleans:
        mask = np.array([model.abilities >= needs for model in self._models], dtype=np.bool_)
        mask.flags.writeable = False
        return mask


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
    def same_models(self) -> Mapping[str, frozenset[str]]:
        """For each id, the ids under which the backends know the same model."""
        ids: dict[str, set[str]] = {}
        for model in self.models:
            ids.setdefault(model.backend_model or model.id, set()).add(model.id)
        same = {source: frozenset(each) for source, each in ids.items()}
        return {model.id: same[model.backend_model or model.id] for model in self.models}

    @cached_property
    def all_models(self) -> ModelSet:
        """The models as a set, with their numbers as arrays."""
        return ModelSet(self.models)

    @cached_property
    def version(self) -> str:
        """Identifies the content of the pool file; it changes with any change of it."""
        return short_hash(self.model_dump_json())


def load_pool(path: Path) -> Pool:
    """Returns the pool that a file describes.

    Raises:
        FileProblemsError: The file is missing, is not YAML or has problems; all are listed.
    """
    return YamlFile(Pool, path).check(_contradictions)


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
    native = sorted(_CHAT_COMPLETIONS_ONLY & model.request.model_fields_set)
    if model.backend in ROOT_URL_BACKENDS and native:
        problems.append(("request", f"{model.backend} has no {' and no '.join(native)}"))
    if model.shape.fixed_temperature and model.temperature not in {None, _FIXED_TEMPERATURE}:
        text = (
            f"{model.temperature:g} is never sent, as the model's is fixed; "
            "request.fixed_temperature: false would send it"
        )
        problems.append(("temperature", text))
    if model.api_key_file is not None and any("@" in url for url in model.replicas.base_urls):
        problems.append(("api_key_file", "does not go with a user name in the URL"))
    if model.max_reply_tokens >= model.context_window_tokens:
        text = (
            f"{model.max_reply_tokens} leaves no room for a prompt in a context window of "
            f"{model.context_window_tokens}"
        )
        problems.append(("max_reply_tokens", text))
    problems += [("capabilities", text) for text in _capability_problems(model.capabilities or ())]
    return problems


def _capability_problems(capabilities: Sequence[Capability]) -> list[str]:
    twice = sorted({c.value for c in capabilities if capabilities.count(c) > 1})
    problems = [f"{', '.join(twice)} is listed twice"] if twice else []
    if Capability.PARALLEL_TOOLS in capabilities and Capability.TOOLS not in capabilities:
        problems.append("parallel_tools is only for models with tools")
    return problems
