"""The pool: the models that the router may call, read from a YAML file.

YAML text -> nodes with line numbers -> typed, validated models. A file with problems is rejected; the
error lists all of them, each with its line.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from services.router.pool.backend import ROOT_URL_BACKENDS, Backend
from services.router.pool.model import PoolModel, short_hash
from services.router.pool.model_set import ModelSet
from services.router.pool.yaml_file import YamlFile
from services.router.types.options import Capability

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_UNLISTED = "is not one of the models"
_CHAT_COMPLETIONS_ONLY = {"token_limit_field", "stream_options"}
"""Fields of `request` that only requests for chat completions have."""
_FIXED_TEMPERATURE = 1.0


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
