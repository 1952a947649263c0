"""`changes`: names a model that became worse, with its time; a steady one raises nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from typer.testing import CliRunner

from scorer.__main__ import app
from tests.unit.scorer.learning.test_learn import ARTIFACT, BAD, GOOD, NEW, lines
from tests.unit.scorer.learning.traffic_lines import START, write_lines

if TYPE_CHECKING:
    from pathlib import Path

STEADY = {GOOD: 0.9, BAD: 0.5, NEW: 0.7}


def changes(records: Path) -> Any:
    return CliRunner().invoke(app, ["changes", str(ARTIFACT), str(records), "--json"])


def test_a_model_that_became_worse_is_named(tmp_path: Path) -> None:
    before, after = lines(1_000, STEADY), lines(400, STEADY | {GOOD: 0.3}, start=1_000)
    result = changes(write_lines(tmp_path / "all.jsonl", [*before, *after]))
    assert result.exit_code == 3, result.output
    (found,) = json.loads(result.stdout)
    assert found["model_id"] == GOOD
    assert -1.0 < found["gain"] < -0.4
    assert START.isoformat()[:10] <= found["since"][:10]
    assert 100 < found["labels_after"] < 200


def test_steady_models_raise_nothing(tmp_path: Path) -> None:
    result = changes(write_lines(tmp_path / "all.jsonl", lines(600, STEADY)))
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == []


def test_without_usable_traffic_it_fails(tmp_path: Path) -> None:
    steady = [each | {"query": {"text": None}} for each in lines(5, STEADY) if "query" in each]
    result = changes(write_lines(tmp_path / "all.jsonl", steady))
    assert result.exit_code == 1
    assert "nothing to look at" in result.stderr
