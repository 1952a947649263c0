"""A model more, a model less, another name: artifacts of both tiers and all precisions."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the [train] extra")
pytest.importorskip("optimum.onnxruntime", reason="needs the [train] extra")

import onnx
from typer.testing import CliRunner

from scorer.__main__ import app
from scorer.export.graph import EASE, weights_of
from scorer.runtime.artifact import load_artifact
from scorer.runtime.runtime import Runtime
from scorer.training.calibrate import SharedMap
from scorer.training.mixture import shrinkage as anchor
from tests.train.tiny_encoder import WORDS
from tests.train.tiny_house import run, train

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.train,
    pytest.mark.timeout(300),
    # The exporter warns about its own tracing; nothing of it is ours to mend.
    pytest.mark.filterwarnings("ignore::Warning"),
]


@pytest.mark.parametrize("precision", ["fp32", "int8", "fp16"])
def test_a_model_is_added_from_few_labels_and_renamed_and_removed(
    house: Path, tmp_path: Path, precision: str
) -> None:
    records = newcomer_records(tmp_path, count=120)
    arguments = ["--model", "rhymer", "--output", tmp_path / "more"]
    bar = json.loads(run("add-model", house / precision, records, *arguments, "--json"))
    assert bar["label_count"] == 120
    assert 0 < bar["mean_score_standard_error"] < 0.1
    before, after = load_artifact(house / precision), load_artifact(tmp_path / "more")
    assert after.manifest.model_ids == (*before.manifest.model_ids, "rhymer")
    assert after.manifest.version != before.manifest.version
    assert after.manifest.data_sources[-1].name == "new"
    assert after.manifest.data_sources[-1].train_rows == 120
    runtime, old = Runtime.open(after), Runtime.open(before)
    queries = [runtime.tokenize(text) for text in ("add the sum", "verse and rhyme a poem")]
    scores = runtime.score(queries)
    assert np.allclose(scores[:, :3], old.score(queries), atol=1e-5)
    assert scores[1, 3] > 0.6
    assert scores[0, 3] < scores[1, 3] - 0.2
    reading = runtime.read(queries)
    assert reading.completion_tokens is not None
    assert reading.completion_tokens.shape == (2, 4)
    run(
        "rename-model",
        tmp_path / "more",
        "--model",
        "maths",
        "--to",
        "m",
        "--output",
        tmp_path / "o",
    )
    run("remove-model", tmp_path / "o", "--model", "poet", "--output", tmp_path / "less")
    less = Runtime.open(load_artifact(tmp_path / "less"))
    assert less.model_ids == ("m", "shared", "rhymer")
    assert np.allclose(less.score(queries), scores[:, [0, 2, 3]], atol=1e-5)


@pytest.mark.parametrize("role", ["encoder", "none"])
def test_scores_that_are_drawn_stay_so_in_every_form_and_in_company(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, role: str
) -> None:
    shared = SharedMap(slope=1.2, ease=0.5, offset=0.1)
    monkeypatch.setattr(anchor, "SHARES", (0.5,))
    monkeypatch.setattr(anchor, "fit_shared", lambda *_: shared)
    train(tmp_path, encoder if role == "encoder" else None)
    run("export", tmp_path / "checkpoint", tmp_path / "fp32", "--created", "2026-01-02", "--json")
    held_out = tmp_path / "checkpoint" / "validation.jsonl.gz"
    for precision in ("int8", "fp16"):  # The gates compare their scores with those of fp32.
        arguments = [tmp_path / "fp32", tmp_path / precision, "--precision", precision]
        run("quantize", *arguments, "--records", held_out, "--json")
        weights = weights_of(onnx.load(tmp_path / precision / "model.onnx").graph)
        assert weights[EASE].data_type == onnx.TensorProto.FLOAT
    arguments = ["--model", "rhymer", "--output", tmp_path / "more"]
    run("add-model", tmp_path / "int8", newcomer_records(tmp_path, count=120), *arguments, "--json")
    before, after = (Runtime.open(load_artifact(tmp_path / name)) for name in ("int8", "more"))
    queries = [after.tokenize(text) for text in ("add the sum", "verse and rhyme a poem")]
    scores = after.score(queries)
    assert np.allclose(scores[:, :3], before.score(queries), atol=1e-5)
    assert scores[0, 3] < scores[1, 3]
    assert scores[:, 3].mean() == pytest.approx(0.5, abs=0.15)


def newcomer_records(directory: Path, *, count: int) -> Path:
    """Queries that a model which writes poems was tried on, and one that it was not."""
    draw = random.Random(8)
    path = directory / "new.jsonl"
    rows = [{"id": "other", "task": "t", "query": "add", "scores": {"someone": 1}}]
    for index in range(count):
        topic = WORDS[:3] if index % 2 else WORDS[3:6]
        text = " ".join([*draw.choices(topic, k=3), *draw.choices(WORDS[6:], k=4)])
        score = float(draw.random() < (0.1 if index % 2 else 0.9))
        rows.append({"id": str(index), "task": "t", "query": text, "scores": {"rhymer": score}})
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["add-model", "{artifact}", "{records}", "--model", "maths"], "knows 'maths' already"),
        (["add-model", "{artifact}", "{records}", "--model", "x"], "no record has a score of 'x'"),
        (["remove-model", "{artifact}", "--model", "x"], "does not know 'x'; it knows maths"),
        (["rename-model", "{artifact}", "--model", "x", "--to", "y"], "does not know 'x'"),
        (["rename-model", "{artifact}", "--model", "poet", "--to", "maths"], "knows 'maths'"),
    ],
)
def test_a_roster_that_cannot_be_is_refused_and_nothing_is_written(
    house: Path, tmp_path: Path, arguments: list[str], complaint: str
) -> None:
    records = newcomer_records(tmp_path, count=4)
    places = {"artifact": house / "int8", "records": records}
    filled = [argument.format(**places) for argument in arguments]
    result = CliRunner().invoke(app, [*filled, "--output", str(tmp_path / "out")])
    assert result.exit_code == 1
    assert complaint in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["new.jsonl"]
