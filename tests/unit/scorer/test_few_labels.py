"""A model is added from whatever labels there are, and few or odd ones are named."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from scorer import default_artifact_path
from scorer.__main__ import app
from scorer.runtime.artifact import load_artifact

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

EDGE = default_artifact_path()
FEW = "warning: new has 3 labels, so its scores are mostly those of the other models"
CONSTANT = "warning: one and the same score everywhere: new"
DISAGREEING = "warning: 1 query has different scores of one model in several records"


def add(directory: Path, rows: list[tuple[str, float]]) -> Result:
    """Adds a model from queries with its score, without a task, costs or token counts."""
    lines = [
        json.dumps({"id": str(number), "query": query, "scores": {"new": score}})
        for number, (query, score) in enumerate(rows)
    ]
    records = directory / "records.jsonl"
    records.write_text("\n".join(lines))
    options = ["--model", "new", "--output", str(directory / "more"), "--json"]
    return CliRunner().invoke(app, ["add-model", str(EDGE), str(records), *options])


@pytest.mark.parametrize(
    ("rows", "warnings"),
    [
        ([("a", 1), ("b", 0), ("c", 1)], [FEW]),
        ([("a", 1)] * 1 + [("b", 1), ("c", 1)], [FEW, CONSTANT]),
        ([(f"query {n}", 0) for n in range(30)], [CONSTANT]),
        ([(f"query {n // 2}", n % 2) for n in range(2)], [FEW.replace("3", "2"), DISAGREEING]),
        ([(f"query {n}", n % 2) for n in range(30)], []),
    ],
)
def test_few_or_odd_labels_are_named_and_make_an_artifact_all_the_same(
    tmp_path: Path, rows: list[tuple[str, float]], warnings: list[str]
) -> None:
    found = add(tmp_path, rows)
    assert found.exit_code == 0, found.output
    said = [line for line in found.stderr.splitlines() if line.startswith("warning")]
    assert len(said) == len(warnings)
    assert all(line.startswith(warning) for line, warning in zip(said, warnings, strict=True))
    bar = json.loads(found.stdout)
    assert bar["label_count"] == len(rows)
    assert 0 <= bar["mean_score"] <= 1
    assert load_artifact(tmp_path / "more").manifest.model_ids[-1] == "new"


def test_labels_of_other_models_alone_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    records = tmp_path / "records.jsonl"
    records.write_text(json.dumps({"id": "1", "query": "q", "scores": {"other": 1}}))
    options = ["--model", "new", "--output", str(tmp_path / "more")]
    found = CliRunner().invoke(app, ["add-model", str(EDGE), str(records), *options])
    assert found.exit_code == 1
    assert "no record has a score of 'new'" in found.stderr
    assert not (tmp_path / "more").exists()
