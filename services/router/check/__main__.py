"""`python -m services.router.check --pool FILE`: prints the reports as one JSON object.

`routemoa pool` shows it as a table. Exit status 0: no problem; 1: an endpoint has a problem; 2: the
pool file has a problem.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from services.router.check.probe import check_pool
from services.router.check.score_report import read_artifact_models, score_reports
from services.router.pool.pool import load_pool
from services.rpc.config import EXIT_BAD_CONFIG
from services.rpc.file_problems import FileProblemsError
from services.rpc.telemetry import set_up_logging

if TYPE_CHECKING:
    from collections.abc import Sequence

_EXIT_PROBLEMS = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Checks a pool, prints the reports and returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        pool = load_pool(options.pool)
    except FileProblemsError as error:
        _print(problems=error.problems, endpoints=[], scores=None)
        return EXIT_BAD_CONFIG
    known = read_artifact_models(options.artifact)
    scores = None if known is None else [each.as_dict() for each in score_reports(pool, known)]
    if options.offline:
        _print(problems=[], endpoints=[], scores=scores)
        return 0
    reports = asyncio.run(
        check_pool(pool, timeout_s=options.timeout_s, capabilities=options.capabilities)
    )
    _print(problems=[], endpoints=[report.as_dict() for report in reports], scores=scores)
    return _EXIT_PROBLEMS if any(report.problems for report in reports) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services.router.check", description=__doc__)
    parser.add_argument("--pool", type=Path, required=True, help="the pool file")
    parser.add_argument(
        "--offline", action="store_true", help="validate only the file, without calls"
    )
    parser.add_argument(
        "--capabilities", action="store_true", help="find out what each endpoint can do: five calls"
    )
    parser.add_argument(
        "--artifact", type=Path, help="the scorer's artifact; default: the shipped one"
    )
    parser.add_argument(
        "--timeout-s", type=float, default=30.0, help="time for each request to an endpoint"
    )
    return parser


def _print(**content: object) -> None:
    sys.stdout.write(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    set_up_logging("warning")  # the reports hold the backends' words
    sys.exit(main())
