"""`python -m services.scorer`: runs the scorer until SIGTERM."""

from __future__ import annotations

import sys

import uvloop

from scorer.runtime.cores import usable_cores
from services.rpc.config import load_config
from services.rpc.server import serve
from services.rpc.workers import supervise
from services.scorer.app import scorer_app
from services.scorer.config import ScorerServiceConfig

SWITCH_INTERVAL_S = 0.001
"""The thread that runs batches needs the interpreter between them. While the event loop has calls to
handle, it gets it after so long; Python's 5 ms are a tenth of a batch."""


def main() -> None:
    """Loads the settings and serves, with several processes if they say so."""
    config = load_config(ScorerServiceConfig, sys.argv[1:])
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    if config.workers == 1:
        uvloop.run(serve(config, scorer_app(config)))
        return
    # The workers share the cores; each would take all of them.
    threads = config.intra_op_threads or max(1, usable_cores() // config.workers)
    command = (sys.executable, "-m", "services.scorer")
    settings = {"INTRA_OP_THREADS": str(threads)}
    raise SystemExit(uvloop.run(supervise(config, command, config.workers, settings)))


if __name__ == "__main__":
    main()
