"""`python -m services.gateway`: runs the gateway until SIGTERM."""

from __future__ import annotations

import sys

import uvloop

from services.gateway.app import gateway
from services.gateway.config import GatewayServiceConfig
from services.rpc.config import load_config
from services.rpc.server import run_until_signal


def main() -> None:
    """Loads the settings and runs the gateway."""
    config = load_config(GatewayServiceConfig, sys.argv[1:])
    uvloop.run(run_until_signal(config, gateway(config)))


if __name__ == "__main__":
    main()
