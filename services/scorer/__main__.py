"""`python -m services.scorer`: runs the scorer until SIGTERM."""

from __future__ import annotations

import sys

import uvloop

from services.rpc.config import load_config
from services.rpc.server import serve
from services.scorer.app import scorer_app
from services.scorer.config import ScorerServiceConfig


def main() -> None:
    """Loads the settings and serves."""
    config = load_config(ScorerServiceConfig, sys.argv[1:])
    uvloop.run(serve(config, scorer_app(config)))


if __name__ == "__main__":
    main()
