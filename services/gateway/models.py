"""The names of models, for every API.

`routemoa` is the default strategy, `routemoa/NAME` another strategy or a preset, and the id of a model
of the pool is that model alone.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.gateway.api import ApiError, ErrorKind, Problem
from services.gateway.fields import shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from routemoa.v1 import model_pb2
    from routemoa.v1 import router_service_pb2 as pb
    from services.gateway.upstream.router_client import Metadata, RouterClient

MIXTURE = "routemoa"
"""The name of the default strategy."""
SINGLE = "single"
"""The strategy of a model alone."""
FRESH_S = 5.0
"""Age up to which a catalogue is listed."""
USABLE_S = 60.0
"""Age up to which a name is looked up in a catalogue that has it."""
MISSING_S = 1.0
"""Age from which on a catalogue without a name is asked for again."""
MAX_CALLERS = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """The names that one caller may use."""

    info: pb.GetRouterInfoResponse
    models: Mapping[str, model_pb2.Model]
    fetched_s: float
    """On the clock of `time.monotonic`."""

    @property
    def strategies(self) -> Sequence[str]:
        """The strategies that may be named."""
        return self.info.strategies

    @property
    def presets(self) -> Sequence[str]:
        """The presets that may be named."""
        return self.info.presets

    def names(self) -> list[str]:
        """Returns every name of a model."""
        mixtures = [f"{MIXTURE}/{name}" for name in (*self.strategies, *self.presets)]
        return [MIXTURE, *mixtures, *(name for name in self.models if name not in mixtures)]

    def age_s(self) -> float:
        """Returns the time since it was fetched."""
        return time.monotonic() - self.fetched_s


@dataclass(slots=True, kw_only=True)
class _Caller:
    """The catalogue of one caller, and the lock under which it is fetched."""

    catalogue: Catalogue | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class ModelNames:
    """Looks up names of models; keeps the router's catalogue for each caller.

    Each caller has its own, so that an unknown key learns nothing.
    """

    def __init__(self, router: RouterClient) -> None:
        self._router = router
        self._callers: OrderedDict[str, _Caller] = OrderedDict()

    async def apply(self, name: str, policy: pb.RoutingPolicy, metadata: Metadata) -> None:
        """Sets the fields of a policy that a name stands for.

        Raises:
            ApiError: No model has the name, the policy names another strategy, or the router does not
                answer.
        """
        if name == MIXTURE:
            return
        catalogue = await self._usable(name, metadata)
        suffix = name.removeprefix(f"{MIXTURE}/")
        if suffix != name and suffix in catalogue.strategies:
            _set_strategy(policy, suffix)
        elif suffix != name and suffix in catalogue.presets:
            policy.preset = policy.preset or suffix
        elif name in catalogue.models:
            policy.strategy = policy.strategy or SINGLE
            policy.model_ids[:] = [name]
        else:
            raise unknown_model(name)

    async def catalogue(self, metadata: Metadata, *, max_age_s: float = FRESH_S) -> Catalogue:
        """Returns the catalogue of a caller.

        Raises:
            ApiError: The router does not answer, or does not know the caller.
        """
        caller = self._caller(metadata)
        async with caller.lock:
            known = caller.catalogue
            if known is not None and known.age_s() <= max_age_s:
                return known
            fetched_s = time.monotonic()
            info = await self._router.info(metadata)
            models = await self._router.models(metadata)
            caller.catalogue = Catalogue(
                info=info, models={m.model_id: m for m in models}, fetched_s=fetched_s
            )
            return caller.catalogue

    async def _usable(self, name: str, metadata: Metadata) -> Catalogue:
        catalogue = await self.catalogue(metadata, max_age_s=USABLE_S)
        if name in catalogue.names():
            return catalogue
        return await self.catalogue(metadata, max_age_s=MISSING_S)

    def _caller(self, metadata: Metadata) -> _Caller:
        key = dict(metadata).get("authorization", "")
        caller = self._callers.get(key)
        if caller is None:
            caller = self._callers[key] = _Caller()
            if len(self._callers) > MAX_CALLERS:
                self._callers.popitem(last=False)
        self._callers.move_to_end(key)
        return caller


def unknown_model(name: str) -> ApiError:
    """Returns the error for a name that no model has."""
    return ApiError(
        ErrorKind.NOT_FOUND,
        f"The model `{shown(name)}` does not exist, or you do not have access to it.",
        problems=[Problem(field="model", description="is not known")],
        code="model_not_found",
    )


def _set_strategy(policy: pb.RoutingPolicy, strategy: str) -> None:
    if policy.strategy and policy.strategy != strategy:
        description = f"names the strategy {strategy}, and the policy another one"
        raise ApiError(
            ErrorKind.INVALID_REQUEST,
            f"model: {description}",
            problems=[Problem(field="model", description=description)],
        )
    policy.strategy = strategy
