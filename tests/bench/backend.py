"""A simulated backend as a process: every model answers with the same 50 tokens.

`python -m tests.bench.backend [--paced]` prints its base URL and serves until it is ended.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

import uvloop

from services.simulator import Pacing, running_simulator
from tests.scripted_answers import ScriptedAnswers

TOKENS = 50
MODELS = ("gpt-4o-mini-2024-07-18", "claude-3-5-haiku-20241022")
PACED = Pacing(time_to_first_token_s=0.05, tokens_per_second=100)


async def main(*, paced: bool) -> None:
    """Serves until cancelled."""
    answers = ScriptedAnswers(dict.fromkeys(MODELS, " ".join(["word"] * TOKENS)))
    async with running_simulator(answers, pacing=PACED if paced else None) as simulator:
        sys.stdout.write(f"{simulator.url}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--paced", action="store_true", help="50 ms to the first token, then 10 ms")
    uvloop.run(main(paced=parser.parse_args().paced))
