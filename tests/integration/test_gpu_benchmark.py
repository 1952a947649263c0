"""The benchmark for GPUs runs from end to end where there is none."""

from __future__ import annotations

import asyncio
import sys

import pytest

from scorer import default_artifact_path
from tests.pace import PACE

BASE = default_artifact_path().parent / "base"
TIMEOUT_S = 170 * PACE


@pytest.mark.timeout(TIMEOUT_S + 10)
async def test_every_part_of_the_report_is_there() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.bench_gpu", "--provider", "cpu", "--small"),
        *("--artifact", str(BASE), "--artifact", str(default_artifact_path())),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        output, errors = await asyncio.wait_for(process.communicate(), TIMEOUT_S)
    finally:
        if process.returncode is None:
            process.kill()
    report = output.decode()
    assert process.returncode == 0, errors.decode()
    assert report.count("same first model in 100.00%") == 2
    assert report.count("| over gRPC |") == 2
    assert "measured by ONNX Runtime, fp32" in " ".join(report.split())
