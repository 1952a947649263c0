"""An artifact whose weights stand beside its graph, as real tools write it."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("onnx", reason="needs the [train] extra")

import onnx

from scorer import ArtifactError, Runtime, default_artifact_path, load_artifact
from scorer.runtime.artifact import seal_artifact

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.train
EDGE = default_artifact_path()
QUERY = "What is the capital of France?"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A copy of the edge artifact whose weights are in another file, and which is not sealed yet."""
    copy = tmp_path / "artifact"
    copy.mkdir()
    shutil.copy(EDGE / "manifest.json", copy)
    onnx.save_model(
        onnx.load(EDGE / "model.onnx"),
        copy / "model.onnx",
        save_as_external_data=True,
        all_tensors_to_one_file=True,
        location="weights.bin",
        size_threshold=1024,
    )
    return copy


def test_sealed_it_opens_and_scores_as_before(directory: Path) -> None:
    edge = Runtime.open(load_artifact(EDGE))
    sealed = Runtime.open(seal_artifact(directory, edge.artifact.manifest))
    assert sealed.version != edge.version
    scores, expected = (each.score([each.tokenize(QUERY)]).tolist() for each in (sealed, edge))
    assert scores == expected


def test_altered_or_unlisted_it_does_not_open(directory: Path) -> None:
    manifest = seal_artifact(directory, load_artifact(EDGE).manifest).manifest
    weights = directory / "weights.bin"
    content = bytearray(weights.read_bytes())
    content[1000] ^= 1
    weights.write_bytes(content)
    with pytest.raises(ArtifactError, match=r"weights\.bin does not have the sha256"):
        load_artifact(directory)
    document = json.loads((directory / "manifest.json").read_text())
    document["files"] = {"model.onnx": manifest.files["model.onnx"]}
    (directory / "manifest.json").write_text(json.dumps(document))
    with pytest.raises(ArtifactError, match=r"has no hash of weights\.bin"):
        load_artifact(directory)
