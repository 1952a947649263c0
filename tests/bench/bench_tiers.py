"""Measures artifacts in process on one core: `python -m tests.bench.bench_tiers ARTIFACT...`.

Text in, scores out: reading the text (tokens, n-grams) and one run of the graph, with one thread on one
core. The artifacts take turns, so that all meet the same machine.
"""

from __future__ import annotations

import argparse
import itertools
import os
import platform
import sys
import time
from pathlib import Path

import numpy as np

from scorer import Runtime, default_artifact_path, load_artifact
from scorer.runtime.tokenizer import QueryTokenizer
from tests.bench.page_head import page_head

BASE = default_artifact_path().parent / "base"
TOKENS = (17, 64, 256)
TEXT = """The train leaves at noon and every hour after that, so how many passengers of 480 have a seat
if each wagon holds 62 people, two are closed, and a third of those who wait decide to walk?"""


def text_of(tokenizer: QueryTokenizer, tokens: int) -> str:
    """Returns a text of so many tokens of the base artifact, or one more."""
    source, words = itertools.cycle(TEXT.split()), [""]
    while len(tokenizer.encode(" ".join(words)).ids) < tokens:
        words.append(next(source))
    return " ".join(words)


def table(runtimes: dict[str, Runtime], rounds: int) -> str:
    """Returns the measurements as a Markdown table."""
    manifest = load_artifact(BASE).manifest
    tokenizer = QueryTokenizer(
        BASE / "tokenizer.json",
        max_tokens=manifest.max_tokens,
        ngram_buckets=manifest.ngram_buckets,
    )
    lines = [
        "| tokens | artifact | file MB | p50 ms | p99 ms | CPU ms (median) | reading, of p50 |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for tokens in TOKENS:
        text = text_of(tokenizer, tokens)
        samples: dict[str, list[tuple[float, float, float]]] = {name: [] for name in runtimes}
        for turn in range(rounds + 5):
            for name, runtime in runtimes.items():
                started_s, cpu_s = time.perf_counter(), time.process_time()
                query = runtime.tokenize(text)
                read_s = time.perf_counter()
                runtime.score([query])
                ended_s, cpu_ended_s = time.perf_counter(), time.process_time()
                if turn >= 5:  # The first ones warm up.
                    times = (ended_s - started_s, cpu_ended_s - cpu_s, read_s - started_s)
                    samples[name].append(times)
        for name, runtime in runtimes.items():
            whole, cpu, reading = 1000 * np.array(samples[name]).T
            size = runtime.artifact.model_path.stat().st_size / 1e6
            lines.append(
                f"| {tokens} | {name} | {size:.1f} | {np.median(whole):.2f} | "
                f"{np.quantile(whole, 0.99):.2f} | {np.median(cpu):.2f} | {np.median(reading):.2f} |"
            )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Runs from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    shipped = [BASE, default_artifact_path()]
    parser.add_argument("artifacts", nargs="*", type=Path, default=shipped)
    parser.add_argument("--rounds", type=int, default=200, help="queries per length and artifact")
    parser.add_argument("--markdown", type=Path, help="file to write the report to")
    options = parser.parse_args()
    # Before the first session, whose threads would inherit more.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    opened = [Runtime.open(load_artifact(path), intra_op_threads=1) for path in options.artifacts]
    runtimes = {f"{each.artifact.manifest.tier} {each.version}": each for each in opened}
    heading = page_head(
        "Artifacts in process, on one core",
        "How long does one query take with each tier, by its length?",
        f"""Command: `python -m tests.bench.bench_tiers`. Setting: {platform.machine()}, one thread on
        one core, {options.rounds} queries per artifact and length, interleaved. *Reading*
        is the median time for tokens and n-grams, in ms.""",
    )
    report = heading + table(runtimes, options.rounds)
    sys.stdout.write(report)
    if options.markdown:
        options.markdown.write_text(report, encoding="utf-8")


if __name__ == "__main__":
    main()
