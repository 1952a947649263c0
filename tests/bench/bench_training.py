"""Times `train` on many records: `python -m tests.bench.bench_training --help`.

Queries of the recorded pools, halved and joined at random, are the records of ten made-up models.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from scorer.data.records import read_records

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

POOLS = ("alpacaeval19", "llmrouter9", "mmlupro28", "ollb18", "routerbench11", "zeroeval29")
MODELS = 10
RECIPE = """
name = "many"
max_tokens = 256
validation_fraction = 0.1
seed = 7

[[sources]]
name = "many"
file = "many.jsonl.gz"
licence = "made up"
url = "made up"
"""


def lines(pools: Sequence[Sequence[str]], count: int) -> Iterator[dict[str, object]]:
    """Yields records; a model's chance of success depends on the pool of the query."""
    draw = np.random.default_rng(1)
    chances = draw.uniform(0.2, 0.9, (len(pools), MODELS))
    for number in range(count):
        pool = int(draw.integers(len(pools)))
        first, second = (pools[pool][row] for row in draw.integers(len(pools[pool]), size=2))
        scores = (draw.random(MODELS) < chances[pool]).astype(float)
        yield {
            "id": f"q{number}",
            "query": f"{first[: len(first) // 2]} {second[len(second) // 2 :]} ({number})",
            "scores": {f"model-{column}": score for column, score in enumerate(scores)},
        }


def main() -> None:
    """Runs from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("ROUTEMOA_DATA"))
    parser.add_argument("--records", type=int, default=200_000)
    options = parser.parse_args()
    queries = [
        [record.query for record in read_records(options.data / name / "train.jsonl.gz")]
        for name in POOLS
    ]
    with tempfile.TemporaryDirectory() as folder:
        recipe, output = Path(folder) / "recipe.toml", Path(folder) / "checkpoint"
        recipe.write_text(RECIPE, encoding="utf-8")
        with gzip.open(Path(folder) / "many.jsonl.gz", "wt", encoding="utf-8") as file:
            for line in lines(queries, options.records):
                file.write(json.dumps(line) + "\n")
        command = [sys.executable, "-m", "scorer", "train", str(recipe), str(output)]
        started_s = time.monotonic()
        subprocess.run([*command, "--data", folder], check=True)  # noqa: S603  # our own module
        took_s = time.monotonic() - started_s
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    sys.stdout.write(
        f"{options.records:,} records of {MODELS} models: {took_s:.0f} s, "
        f"{used.ru_utime + used.ru_stime:.0f} s of CPU, {used.ru_maxrss / 2**20:.1f} GiB at most, "
        f"load {os.getloadavg()[0]:.0f}\n"
    )


if __name__ == "__main__":
    main()
