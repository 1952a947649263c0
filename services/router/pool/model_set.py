"""Some models of a pool, with their numbers as arrays, so that deciding about all of them is quick."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, overload

import numpy as np

from services.router.pool.prices import PricesOf
from services.router.types.id_order import alphabetical_places

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    import numpy.typing as npt

    from services.router.pool.model import PoolModel
    from services.router.types.options import Capability

    Floats = npt.NDArray[np.float64]
    Integers = npt.NDArray[np.int64]
    Booleans = npt.NDArray[np.bool_]

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
