"""An artifact runs in the precision that is fastest here, and its scores are those of fp32."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Literal

import numpy as np
import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from routemoa.v1.scorer_service_pb2 import GetScorerInfoRequest, RankModelsRequest
from routemoa.v1.scorer_service_pb2_grpc import ScorerServiceStub
from scorer import Runtime, default_artifact_path, load_artifact
from scorer.runtime.artifact import MAX_MEAN_SCORE_DIFFERENCE, Precision
from services.scorer.app import scorer_app
from services.scorer.artifacts.precision_choice import MEASURED_TEXTS
from services.scorer.config import ScorerServiceConfig
from tests import avx2_onnxruntime

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Connect, Serve

EDGE = default_artifact_path()
BASE = EDGE.parent / "base"
TIMEOUT_S = 60
SCORES = """
import sys
import numpy as np
from pathlib import Path
from scorer import Runtime, load_artifact
from services.scorer.artifacts.precision_choice import MEASURED_TEXTS

artifact = load_artifact(Path(sys.argv[1]))
for precision in artifact.manifest.precisions:
    runtime = Runtime.open(artifact, precision=precision, intra_op_threads=1)
    scores = [runtime.score([runtime.tokenize(text)])[0] for text in MEASURED_TEXTS]
    np.save(f"{sys.argv[2]}/{precision}.npy", scores)
"""
"""Writes the scores of the measured texts, a file for each precision."""


def config(artifact: Path, precision: Literal["int8", "fp32"] | None) -> ScorerServiceConfig:
    return ScorerServiceConfig(
        listen_address="127.0.0.1:0",
        artifact=artifact,
        precision=precision,
        intra_op_threads=1,
        max_queue_wait_s=TIMEOUT_S,
    )


@pytest.mark.parametrize(
    ("artifact", "asked", "used"),
    [
        (BASE, "int8", Precision.INT8),
        (BASE, "fp32", Precision.FP32),
        (EDGE, "fp32", Precision.INT8),
    ],
    ids=["int8", "fp32", "fp32 of an artifact without products of integers"],
)
async def test_the_precision_of_the_settings_is_used_where_it_can_be(
    serve: Serve, connect: Connect, artifact: Path, asked: Literal["int8", "fp32"], used: Precision
) -> None:
    settings = config(artifact, asked)
    stub = ScorerServiceStub(connect(await serve(settings, scorer_app(settings))))
    info = await stub.GetScorerInfo(GetScorerInfoRequest(), timeout=TIMEOUT_S)
    assert info.precision == used
    labels = {"version": info.scorer_version, "provider": "cpu", "precision": used}
    assert REGISTRY.get_sample_value("routemoa_scorer_artifact_info", {"name": "", **labels}) == 1
    request = RankModelsRequest(query=MEASURED_TEXTS[0])
    ranking = await stub.RankModels(request, timeout=TIMEOUT_S)
    runtime = Runtime.open(load_artifact(artifact), precision=used, intra_op_threads=1)
    (row,) = runtime.score([runtime.tokenize(MEASURED_TEXTS[0])])
    scores = {item.model_id: item.score for item in ranking.model_scores}
    assert scores == dict(zip(runtime.model_ids, row.tolist(), strict=True))


async def test_without_one_the_fastest_is_taken_and_every_measurement_is_logged(
    serve: Serve, connect: Connect
) -> None:
    settings = config(BASE, None)
    with capture_logs() as lines:
        stub = ScorerServiceStub(connect(await serve(settings, scorer_app(settings))))
    measured = [line for line in lines if line["event"] == "precision_measured"]
    assert {line["precision"] for line in measured} == {Precision.INT8, Precision.FP32}
    assert all(line["agrees"] for line in measured)
    info = await stub.GetScorerInfo(GetScorerInfoRequest(), timeout=TIMEOUT_S)
    assert info.precision == min(measured, key=lambda line: line["duration_ms"])["precision"]
    (opened,) = [line for line in lines if line["event"] == "artifact_opened"]
    assert opened["precision"] == info.precision


@pytest.fixture(scope="module", params=["this processor", "without AVX-512 and VNNI"])
def scores(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, np.ndarray]:
    """The scores of the base artifact by precision, computed as on a kind of processor."""
    environment = dict(os.environ)
    if request.param != "this processor":
        if reason := avx2_onnxruntime.why_not():
            pytest.skip(reason)
        copy = tmp_path_factory.mktemp("copy")
        avx2_onnxruntime.copy_to(copy)
        environment["PYTHONPATH"] = str(copy)
    output = tmp_path_factory.mktemp("scores")
    command = [sys.executable, "-c", SCORES, str(BASE), str(output)]
    subprocess.run(command, env=environment, check=True, timeout=TIMEOUT_S)  # noqa: S603  # our own
    return {path.stem: np.load(path) for path in output.iterdir()}


def test_integer_products_have_the_scores_of_fp32_on_both_kinds_of_processor(
    scores: dict[str, np.ndarray],
) -> None:
    assert scores.keys() == {"int8", "fp32"}
    difference = np.abs(scores["int8"] - scores["fp32"]).mean()
    assert 0 < difference <= MAX_MEAN_SCORE_DIFFERENCE


def test_the_copy_of_onnxruntime_runs_other_code(
    request: pytest.FixtureRequest, scores: dict[str, np.ndarray]
) -> None:
    artifact = load_artifact(BASE)
    runtime = Runtime.open(artifact, precision=Precision.FP32, intra_op_threads=1)
    here = [runtime.score([runtime.tokenize(text)])[0] for text in MEASURED_TEXTS]
    # Sums of other lengths are rounded elsewhere.
    is_copy = "without" in request.node.callspec.params["scores"]
    assert np.array_equal(scores["fp32"], here) is not is_copy
