"""`python -m services.simulator`: serves the simulated or a recorded pool until SIGTERM.

`python -m services.simulator pool --url http://127.0.0.1:8000` prints the simulated pool's file.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop

from services.rpc.lifeline import end_with_parent
from services.simulator.abilities.able_answers import AbleAnswers
from services.simulator.fault import FaultKind
from services.simulator.pool import default_pool
from services.simulator.recorded import (
    Grading,
    RecordedAnswers,
    RecordingError,
    load_recorded_queries,
)
from services.simulator.server import running_simulator
from services.simulator.simulated import SimulatedAnswers
from services.simulator.stream import Pacing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.simulator.call import AnswerSource


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command == "pool":
        sys.stdout.write(default_pool(options.url))
        return
    end_with_parent()
    if (options.records is None) != options.simulated:
        parser.error("give either --simulated or --records FILE")
    try:
        uvloop.run(_serve(options))
    except (OSError, RecordingError, ValueError) as error:
        parser.error(str(error))


async def _serve(options: argparse.Namespace) -> None:
    pacing = Pacing(
        time_to_first_token_s=options.time_to_first_token_ms / 1000,
        tokens_per_second=options.tokens_per_second,
        slow_every=options.slow_every,
    )
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    source = _source(options)
    async with running_simulator(
        source,
        pacing=pacing,
        prefix_cache_tokens=options.prefix_cache_tokens,
        host=options.host,
        port=options.port,
    ) as simulator:
        for model, kind, share in options.fault:
            simulator.set_fault(model, kind, share=share)
        sys.stderr.write(f"simulated backend: {len(source.models)} models at {simulator.url}\n")
        await stopped.wait()


def _source(options: argparse.Namespace) -> AnswerSource:
    if options.simulated:
        return AbleAnswers(SimulatedAnswers())
    queries = load_recorded_queries(options.records, options.responses)
    return RecordedAnswers(queries, options.grading)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m services.simulator",
        description="An OpenAI-compatible server whose models are simulated or recorded.",
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    add("--port", type=int, default=8000, help="0 takes a free port (default: %(default)s)")
    add("--simulated", action="store_true", help="serve the built-in question bank")
    add(
        "--records",
        type=Path,
        metavar="FILE",
        help="serve recorded answers of these records",
    )
    add(
        "--responses",
        type=Path,
        metavar="FILE",
        help="responses by id, if not in the records",
    )
    add(
        "--grading",
        type=Grading,
        choices=list(Grading),
        default=Grading.AGREEMENT,
        help="grades that recorded models give to references (default: %(default)s)",
    )
    add("--time-to-first-token-ms", type=_not_negative, default=0.0, metavar="N")
    add("--tokens-per-second", type=_not_negative, default=0.0, metavar="N", help="0: no pacing")
    add(
        "--slow-every",
        type=int,
        default=0,
        metavar="N",
        help="one call in N takes two seconds to begin; 0: none",
    )
    add(
        "--prefix-cache-tokens",
        type=int,
        default=0,
        metavar="N",
        help="tokens of prompts that are remembered and counted as cached; 0: none",
    )
    add(
        "--fault",
        type=_fault,
        action="append",
        default=[],
        metavar="MODEL=KIND[:SHARE]",
        help=f"make a model fail, in a share of its calls, repeatable; kinds: {', '.join(FaultKind)}",
    )
    commands = parser.add_subparsers(dest="command")
    pool = commands.add_parser("pool", help="print the simulated pool's file and exit")
    pool.add_argument("--url", default="http://127.0.0.1:8000", help="URL of the simulator")
    return parser


def _not_negative(text: str) -> float:
    value = float(text)
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a number of zero or more")
    return value


def _fault(text: str) -> tuple[str, FaultKind, float]:
    model, mark, fault = text.rpartition("=")
    kind, _, share = fault.partition(":")
    try:
        found = FaultKind(kind), float(share or 1)
    except ValueError:
        mark = ""
    if not mark:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not MODEL=KIND[:SHARE]; kinds: {', '.join(FaultKind)}"
        )
    return model, *found


if __name__ == "__main__":
    main()
