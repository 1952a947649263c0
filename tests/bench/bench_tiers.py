"""Measures artifacts in process on one core: `python -m tests.bench.bench_tiers ARTIFACT...`.

Text in, scores out: reading the text (tokens, n-grams) and one run of the graph, with one thread on one
core. Artifacts and precisions take turns, so that all meet the same machine.
"""

from __future__ import annotations

import argparse
import itertools
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from scorer import Runtime, default_artifact_path, load_artifact
from scorer.runtime.artifact import Precision
from scorer.runtime.tokenizer import QueryTokenizer
from tests import avx2_onnxruntime
from tests.bench.page_head import page_head
from tests.bench.processor import processor

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Times = npt.NDArray[np.float64]

BASE = default_artifact_path().parent / "base"
TOKENS = (17, 64, 256)
TEXT = """The train leaves at noon and every hour after that, so how many passengers of 480 have a seat
if each wagon holds 62 people, two are closed, and a third of those who wait decide to walk?"""

HEADER = "| tokens | artifact | precision | file MB | CPU ms | of fp32 | reading, of CPU ms |"


def text_of(tokenizer: QueryTokenizer, tokens: int) -> str:
    """Returns a text of so many tokens of the base artifact, or one more."""
    source, words = itertools.cycle(TEXT.split()), [""]
    while len(tokenizer.encode(" ".join(words)).ids) < tokens:
        words.append(next(source))
    return " ".join(words)


def times_of(runtimes: Sequence[Runtime], text: str, rounds: int) -> dict[Runtime, Times]:
    """Returns the CPU times of a text in ms, (rounds, 2): until its scores, until it is read."""
    samples: dict[Runtime, list[tuple[float, float]]] = {each: [] for each in runtimes}
    for turn in range(rounds + 5):
        for runtime in runtimes:
            started_s = time.process_time()
            query = runtime.tokenize(text)
            read_s = time.process_time()
            runtime.score([query])
            ended_s = time.process_time()
            if turn >= 5:  # The first ones warm up.
                samples[runtime].append((ended_s - started_s, read_s - started_s))
    return {runtime: 1000 * np.array(times) for runtime, times in samples.items()}


def table(runtimes: Sequence[Runtime], rounds: int) -> str:
    """Returns the measurements as a Markdown table."""
    manifest = load_artifact(BASE).manifest
    tokenizer = QueryTokenizer(
        BASE / "tokenizer.json",
        max_tokens=manifest.max_tokens,
        ngram_buckets=manifest.ngram_buckets,
    )
    lines = [HEADER, "|---|---|---|---:|---:|---:|---:|"]
    for tokens in TOKENS:
        times = times_of(runtimes, text_of(tokenizer, tokens), rounds)
        fp32_ms = {
            runtime.version: np.median(times[runtime][:, 0])
            for runtime in runtimes
            if runtime.precision is Precision.FP32
        }
        for runtime in runtimes:
            cpu, reading = times[runtime].T
            wide = fp32_ms.get(runtime.version)
            ratio = "" if wide is None else f"{np.median(cpu) / wide:.2f}"
            size = runtime.artifact.model_path.stat().st_size / 1e6
            lines.append(
                f"| {tokens} | {runtime.artifact.manifest.tier} {runtime.version} | "
                f"{runtime.precision} | {size:.1f} | {np.median(cpu):.2f} | {ratio} | "
                f"{np.median(reading):.2f} |"
            )
    return "\n".join(lines) + "\n"


def section(artifacts: Sequence[Path], rounds: int) -> str:
    """Returns the measurements under the name of the processor."""
    # Before the first session, whose threads would inherit more.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    runtimes = [
        Runtime.open(artifact, precision=precision, intra_op_threads=1)
        for artifact in map(load_artifact, artifacts)
        for precision in artifact.manifest.precisions
    ]
    return f"## {processor()}\n\n{table(runtimes, rounds)}"


def section_without_avx512() -> str:
    """Returns the section of a process with the same arguments that sees no AVX-512."""
    with tempfile.TemporaryDirectory() as directory:
        avx2_onnxruntime.copy_to(Path(directory))
        return subprocess.run(  # noqa: S603  # our own arguments
            [sys.executable, "-m", "tests.bench.bench_tiers", *sys.argv[1:], "--section"],
            env={**os.environ, "PYTHONPATH": directory},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout


def main() -> None:
    """Runs from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    shipped = [BASE, default_artifact_path()]
    parser.add_argument("artifacts", nargs="*", type=Path, default=shipped)
    parser.add_argument("--rounds", type=int, default=60, help="queries per length and artifact")
    parser.add_argument("--markdown", type=Path, help="file to write the report to")
    parser.add_argument("--section", action="store_true", help="print the table alone")
    options = parser.parse_args()
    if options.section:
        sys.stdout.write(section(options.artifacts, options.rounds))
        return
    heading = page_head(
        "Artifacts in process, on one core",
        "How long does one query take with each tier and precision, by its length?",
        f"""Command: `python -m tests.bench.bench_tiers`. Setting: one thread on one core,
        {options.rounds} queries per artifact, precision and length, interleaved. *CPU ms* is the
        median CPU time of a query, which other work on the machine does not stretch as it does wall
        time; *of fp32* divides it by that of the same artifact in fp32. *Reading* is the part for
        tokens and n-grams.""",
        """Processors without AVX-512 and VNNI are measured on this one, with a copy of ONNX Runtime
        from which they are hidden (`tests/avx2_onnxruntime.py`): its kernels for AVX2, at the speed
        of this processor. Compare ratios, not times.""",
    )
    sections = [section(options.artifacts, options.rounds)]
    if avx2_onnxruntime.why_not() is None:
        sections.append(section_without_avx512())
    report = heading + "\n".join(sections)
    sys.stdout.write(report)
    if options.markdown:
        options.markdown.write_text(report, encoding="utf-8")


if __name__ == "__main__":
    main()
