"""RouteMoA: ranks language models for a query before running any, and lets the best few work together.

`RouteMoAClient` talks to the services, `routemoa.errors` holds what it raises, and `routemoa.v1` the
messages that it takes and returns.
"""

from __future__ import annotations

from routemoa.client import RouteMoAClient
from routemoa.errors import RouteMoAError, TransportError

__all__ = ["RouteMoAClient", "RouteMoAError", "TransportError"]
