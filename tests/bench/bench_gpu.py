"""Measures the scorer on a GPU: `python -m tests.bench.bench_gpu --artifact FP16 --artifact INT8`.

parity with the CPU -> in process, by batch and length, beside the roofline -> over gRPC, by callers

Needs onnxruntime-gpu (1.27 or newer, for CUDA 13 and cuDNN 9), and torch or onnx for the roofline.
An fp16 artifact is made with `python -m scorer quantize --precision fp16`. `--provider cpu --small`
runs all of it without a GPU; its figures mean nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import uvloop

from scorer import Provider, Runtime, default_artifact_path, load_artifact
from scorer.runtime.artifact import Precision, Tier
from tests.bench.bench_scorer import text_of
from tests.bench.calls import measure
from tests.bench.page_head import page_head
from tests.bench.processor import processor
from tests.bench.roofline import Encoder, measured_card
from tests.bench.scorer_calls import BATCH, STREAM, bulk, running_scorer, stream, unary

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from scorer import Artifact, TokenizedQuery
    from tests.bench.calls import Call, Sample
    from tests.bench.roofline import Card

BASE = default_artifact_path().parent / "base"
ITEM_BYTES = {Precision.FP32: 4, Precision.FP16: 2, Precision.INT8: 1}
PARITY_TEXTS = tuple(
    f"What is {number} times {number + 1}, and {'why, ' * (number % 50)}how does one work it out?"
    for number in range(256)
)
LEAST_AGREEMENT = 0.99
"""Share of texts for which both rank the same model first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much is measured."""

    batches: tuple[int, ...] = (1, 8, 32, 128)
    lengths: tuple[int, ...] = (16, 64, 256)
    callers: tuple[int, ...] = (1, 8, 32, 128)
    served_tokens: int = 64
    span_s: float = 3.0
    matrix_size: int = 8192
    parity_text_count: int = len(PARITY_TEXTS)


SMALL = Extent(
    batches=(1, 4),
    lengths=(8,),
    callers=(1, 2),
    served_tokens=8,
    span_s=0.1,
    matrix_size=64,
    parity_text_count=16,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """What the artifact runs on."""

    provider: Provider
    options: dict[str, str]

    def open(self, artifact: Artifact) -> Runtime:
        """Opens an artifact on it; raises `ProviderUnavailableError`."""
        return Runtime.open(artifact, provider=self.provider, provider_options=self.options)

    def settings(self, artifact: Artifact, workers: int) -> dict[str, str]:
        """Returns the settings of a service on it, as the chart has them for GPUs."""
        return {
            "ARTIFACT": str(artifact.path.resolve()),
            "PROVIDER": self.provider,
            "PROVIDER_OPTIONS": json.dumps(self.options),
            "WORKERS": str(workers),
            "INTRA_OP_THREADS": "1",
            "MAX_BATCH_TOKENS": "16384",
            "MAX_BATCH_REQUESTS": "128",
            "MAX_LENGTH_RATIO": "2",
            "MAX_QUEUE_WAIT_S": "60",  # every caller waits for its answer before it asks again
            "STREAM_WINDOW_REQUESTS": "256",
        }


def parity(artifact: Artifact, runtime: Runtime, texts: Sequence[str]) -> tuple[float, float]:
    """Returns the largest |score difference| from the CPU, and the share of equal first models."""
    queries = [runtime.tokenize(text) for text in texts]
    found = np.concatenate([runtime.score(queries[i : i + 32]) for i in range(0, len(queries), 32)])
    plain = Runtime.open(artifact, intra_op_threads=os.cpu_count() or 1)
    expected = np.concatenate([plain.score([query]) for query in queries])
    agreement = float((found.argmax(1) == expected.argmax(1)).mean())
    return float(np.abs(found - expected).max()), agreement


async def in_process(
    runtime: Runtime, texts: Mapping[int, str], extent: Extent, card: Card
) -> list[str]:
    """Returns a row per batch size and length."""
    manifest = runtime.artifact.manifest
    lines = [
        "| batch | tokens | queries/s | p50 ms | p99 ms | of the roofline |",
        "|---|---|---|---|---|---|",
    ]
    for tokens in extent.lengths:
        text = texts[tokens]
        for batch in extent.batches:
            queries = [runtime.tokenize(text)] * batch
            runtime.score(queries)

            async def call(_: int, queries: list[TokenizedQuery] = queries) -> None:
                runtime.score(queries)

            sample = await measure(
                call, pid=os.getpid(), queries=batch, callers=1, span_s=extent.span_s
            )
            share = "-"
            if manifest.tier is Tier.BASE:
                item_bytes = ITEM_BYTES[manifest.precision]
                most = Encoder().most_queries_per_s(card, batch, tokens, item_bytes)
                share = f"{sample.queries_per_s / most:.3f}"
            lines.append(
                f"| {batch} | {tokens} | {sample.queries_per_s:.0f} | {sample.p50_ms:.2f} | "
                f"{sample.p99_ms:.2f} | {share} |"
            )
    return lines


async def served(
    artifact: Artifact, hardware: Hardware, text: str, extent: Extent, workers: int
) -> list[str]:
    """Returns a row per way to ask a service and number of callers."""
    lines = [
        "| over gRPC | callers | queries/s | p50 ms | p99 ms | CPU ms/query |",
        "|---|---|---|---|---|---|",
    ]
    async with running_scorer(**hardware.settings(artifact, workers)) as (pid, stubs):

        def ways() -> Iterator[tuple[str, Call, int]]:
            def same(_: int) -> str:
                return text

            yield "RankModels", unary(stubs, same), 1
            for stub in stubs[:1]:
                yield f"BatchRankModels of {BATCH}", bulk(stub, same), BATCH
                yield f"StreamRankModels of {STREAM}", stream(stub, same), STREAM

        for name, call, queries in ways():
            await call(0)
            for callers in extent.callers:
                sample = await measure(
                    call, pid=pid, queries=queries, callers=callers, span_s=extent.span_s
                )
                lines.append(_served_row(name, callers, sample))
    return lines


def _served_row(name: str, callers: int, sample: Sample) -> str:
    return (
        f"| {name} | {callers} | {sample.queries_per_s:.0f} | {sample.p50_ms:.2f} | "
        f"{sample.p99_ms:.2f} | {sample.cpu_ms_per_query:.3f} |"
    )


async def section(
    artifact: Artifact,
    texts: Mapping[int, str],
    hardware: Hardware,
    *,
    extent: Extent,
    card: Card,
    workers: int,
) -> str:
    """Returns the part of the report about one artifact.

    Raises:
        RuntimeError: The hardware does not score as the CPU does.
    """
    runtime = hardware.open(artifact)
    parity_texts = PARITY_TEXTS[: extent.parity_text_count]
    difference, agreement = parity(artifact, runtime, parity_texts)
    if agreement < LEAST_AGREEMENT:
        raise RuntimeError(f"{runtime.version}: the same model is first in {agreement:.1%} only")
    text = texts[extent.served_tokens]
    lines = [
        f"## {runtime.version} on {runtime.provider}\n",
        f"Parity with the CPU on {len(parity_texts)} texts:\n",
        f"- largest score difference {difference:.1e}",
        f"- same first model in {agreement:.2%}\n",
        *await in_process(runtime, texts, extent, card),
        f"\n{extent.served_tokens} tokens, {workers} process(es):\n",
        *await served(artifact, hardware, text, extent, workers),
    ]
    return "\n".join(lines) + "\n"


async def main(arguments: argparse.Namespace) -> str:
    """Measures every artifact and returns the report."""
    extent = SMALL if arguments.small else Extent()
    hardware = Hardware(provider=arguments.provider, options=json.loads(arguments.provider_options))
    card = measured_card(on_gpu=hardware.provider is not Provider.CPU, size=extent.matrix_size)
    # The edge tier has no tokens, so lengths are those that the base tier sees.
    base = Runtime.open(load_artifact(BASE))
    texts = {tokens: text_of(base, tokens) for tokens in (*extent.lengths, extent.served_tokens)}
    parts = [
        await section(
            load_artifact(path),
            texts,
            hardware,
            extent=extent,
            card=card,
            workers=arguments.workers,
        )
        for path in arguments.artifact or [BASE]
    ]
    heading = page_head(
        "The scorer on a GPU",
        f"""Command: `python -m tests.bench.bench_gpu`. Setting: {arguments.provider}
        {hardware.options or ""}, {processor()}, {os.cpu_count()} cores. The card reaches
        {card.operations_per_s / 1e12:.2f} Top/s in matrix products and
        {card.bytes_per_s / 1e9:.1f} GB/s (measured by {card.how}). The *roofline* is the encoder's
        speed at these limits, without n-grams and tokenizer.""",
    )
    return heading + "\n".join(parts)


def parse_arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--artifact", type=Path, action="append", help="directory; may be repeated")
    parser.add_argument("--provider", type=Provider, choices=list(Provider), default=Provider.CUDA)
    parser.add_argument("--provider-options", default="{}", help="JSON object")
    parser.add_argument("--workers", type=int, default=1, help="processes of the service")
    parser.add_argument("--small", action="store_true", help="only to see that it runs")
    parser.add_argument("--markdown", type=Path, help="file to write the report to")
    return parser.parse_args()


if __name__ == "__main__":
    command_line = parse_arguments()
    report = uvloop.run(main(command_line))
    sys.stdout.write(report)
    if command_line.markdown:
        command_line.markdown.write_text(report, encoding="utf-8")
