"""Models are added, removed and renamed, in artifacts of both tiers and all precisions."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the [train] extra")
pytest.importorskip("optimum.onnxruntime", reason="needs the [train] extra")

from typer.testing import CliRunner

from scorer.__main__ import app
from scorer.runtime.artifact import load_artifact
from scorer.runtime.runtime import Runtime
from tests.train.tiny_encoder import WORDS
from tests.train.tiny_house import run

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
    records = new_model_records(tmp_path, count=120)
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
    reading = runtime.predict(queries)
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


def test_the_models_of_an_examination_are_added_or_replaced_and_no_other_changes(
    house: Path, tmp_path: Path
) -> None:
    before = load_artifact(house / "fp32")
    old = Runtime.open(before)
    draw = random.Random(3)
    rows = [
        {
            "id": f"{model}-{kind}-{number}",
            "task": kind,
            "query": " ".join([*draw.choices(topic, k=3), *draw.choices(WORDS[6:], k=4)]),
            "scores": {model: score if kind == "add" else 1 - score},
            "weight": 5.0,
        }
        for model, score in (("poet", 0.9), ("newcomer", 0.1))
        for kind, topic in (("add", WORDS[:3]), ("rhyme", WORDS[3:6]))
        for number in range(10)
    ]
    records = tmp_path / "examined.jsonl"
    records.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    arguments = ["--output", tmp_path / "examined"]
    errors = json.loads(run("put-models", house / "fp32", records, *arguments, "--json"))
    assert set(errors) == {"poet", "newcomer"}
    assert errors["poet"]["label_count"] == pytest.approx(100)
    assert 0 < errors["poet"]["mean_score_standard_error"] < 0.1
    after = load_artifact(tmp_path / "examined")
    assert after.manifest.model_ids == (*before.manifest.model_ids, "newcomer")
    runtime = Runtime.open(after)
    queries = [runtime.tokenize(str(row["query"])) for row in (rows[0], rows[10])]
    scores, earlier = runtime.score(queries), old.score(queries)
    poet, newcomer = runtime.model_ids.index("poet"), runtime.model_ids.index("newcomer")
    kept = [place for place in range(len(old.model_ids)) if place != poet]
    assert np.allclose(scores[:, kept], earlier[:, kept], atol=1e-5)
    assert scores[0, poet] > scores[1, poet] + 0.2
    assert scores[0, newcomer] < scores[1, newcomer] - 0.2


def new_model_records(directory: Path, *, count: int) -> Path:
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
def test_an_impossible_edit_is_refused_and_nothing_is_written(
    house: Path, tmp_path: Path, arguments: list[str], complaint: str
) -> None:
    records = new_model_records(tmp_path, count=4)
    places = {"artifact": house / "int8", "records": records}
    filled = [argument.format(**places) for argument in arguments]
    result = CliRunner().invoke(app, [*filled, "--output", str(tmp_path / "out")])
    assert result.exit_code == 1
    assert complaint in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["new.jsonl"]
