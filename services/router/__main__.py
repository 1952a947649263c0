"""`python -m services.router`."""

from __future__ import annotations

import os
import sys

import uvloop

from services.router.app import router_app
from services.router.config import RouterServiceConfig
from services.rpc.config import EXIT_BAD_CONFIG, load_config
from services.rpc.file_problems import FileProblemsError
from services.rpc.server import serve

_LOOKUP_THREADS = "64"
"""libuv's threads, half of which look up names. Of the usual four, two slow names take all."""


def main() -> None:
    """Runs the router until SIGTERM."""
    os.environ.setdefault("UV_THREADPOOL_SIZE", _LOOKUP_THREADS)  # read at the first lookup
    config = load_config(RouterServiceConfig, sys.argv[1:])
    try:
        uvloop.run(serve(config, router_app(config)))
    except FileProblemsError as error:
        sys.stderr.write(f"The pool file has problems:\n{error}\n")
        raise SystemExit(EXIT_BAD_CONFIG) from None


if __name__ == "__main__":
    main()
