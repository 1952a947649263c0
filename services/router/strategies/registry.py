"""Every strategy by the name that a policy gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.router.strategies.routemoa import RouteMoA

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.router.strategies.strategy import Strategy

STRATEGIES: Mapping[str, Strategy] = {
    "routemoa": RouteMoA(),
}
