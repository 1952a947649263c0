"""The strategies by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.router.strategies.cascade import Cascade
from services.router.strategies.layers import Layers
from services.router.strategies.moa import MoA
from services.router.strategies.routemoa import RouteMoA
from services.router.strategies.self_moa import SelfMoA
from services.router.strategies.single import Single
from services.router.strategies.smoa import SMoA

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.router.strategies.layered import Strategy

STRATEGIES: Mapping[str, Strategy] = {
    "routemoa": RouteMoA(),
    "layers": Layers(),
    "cascade": Cascade(),
    "single": Single(),
    "moa": MoA(),
    "smoa": SMoA(),
    "self-moa": SelfMoA(),
}
