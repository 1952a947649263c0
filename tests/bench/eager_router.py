"""The router service that starts a layer, or the aggregator, with as little as 50 ms left.

`python -m tests.bench.eager_router`, with the settings of the router service. So the deadlines of a
benchmark can be short.
"""

from __future__ import annotations

import sys

import uvloop

from services.router.app import router_app
from services.router.config import RouterServiceConfig
from services.router.tuning import Tuning
from services.rpc.config import load_config
from services.rpc.server import serve

if __name__ == "__main__":
    settings = load_config(RouterServiceConfig, sys.argv[1:])
    uvloop.run(serve(settings, router_app(settings, Tuning(min_stage_s=0.05))))
