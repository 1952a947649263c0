"""Times `learn` on many decisions: `python -m tests.bench.bench_learning_time --help`.

The queries and labels of a pool become decisions that tried each model equally often, with feedback.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from scorer.data.records import model_ids_of, read_records
from tests.bench.learning_attacks import TENANTS
from tests.bench.learning_loop import WRONG

if TYPE_CHECKING:
    from collections.abc import Iterator

ARTIFACT = "scorer/artifacts/default"
START = datetime(2026, 1, 1, tzinfo=UTC)


def lines(path: Path, count: int) -> Iterator[dict[str, object]]:
    """Yields decisions, each followed by its feedback."""
    records = read_records(path)
    model_ids, draw = model_ids_of(records), np.random.default_rng(1)
    for number in range(count):
        record = records[draw.integers(len(records))]
        model = model_ids[draw.integers(len(model_ids))]
        written = (START + timedelta(minutes=number)).isoformat()
        score = record.scores.get(model, 0.0)
        shared = {"schema_version": 1, "time": written, "tenant": f"tenant-{number % TENANTS}"}
        yield shared | {
            "id": f"d{number}",
            "query": {"text": record.query},
            "prior_scores": dict.fromkeys(model_ids, 0.5),
            "layers": [{"answers": [{"model_id": model, "agrees": True}], "assessments": []}],
            "final_model_id": model,
            "exploration": {"propensities": dict.fromkeys(model_ids, 1 / len(model_ids))},
        }
        yield shared | {
            "feedback_id": f"f{number}",
            "decision_id": f"d{number}",
            "source": "user",
            "score": 1 - score if draw.random() < WRONG else score,
        }


def main() -> None:
    """Runs from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("ROUTEMOA_DATA"))
    parser.add_argument("--decisions", type=int, default=20_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        records, output = Path(folder) / "all.jsonl.gz", Path(folder) / "learned"
        with gzip.open(records, "wt", encoding="utf-8") as file:
            for line in lines(options.data / "llmrouter9/train.jsonl.gz", options.decisions):
                file.write(json.dumps(line) + "\n")
        command = [sys.executable, "-m", "scorer", "learn", ARTIFACT, str(records)]
        started_s = time.monotonic()
        subprocess.run([*command, "--output", str(output)], check=True)  # noqa: S603  # our own module
        took_s = time.monotonic() - started_s
    cpu_s = sum(os.times()[2:4])
    load = os.getloadavg()[0]
    sys.stdout.write(
        f"{options.decisions:,} decisions: {took_s:.0f} s, {cpu_s:.0f} s of CPU, load {load:.0f}\n"
    )


if __name__ == "__main__":
    main()
