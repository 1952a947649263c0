"""`python -m services.judge`: runs the judge until SIGTERM."""

from __future__ import annotations

import sys

import uvloop

from services.judge.app import judge_app
from services.judge.config import JudgeServiceConfig
from services.rpc.config import load_config
from services.rpc.server import serve


def main() -> None:
    """Loads the settings and runs the judge."""
    config = load_config(JudgeServiceConfig, sys.argv[1:])
    uvloop.run(serve(config, judge_app(config)))


if __name__ == "__main__":
    main()
