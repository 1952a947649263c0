from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from scorer import default_artifact_path, load_artifact
from scorer.__main__ import app
from scorer.data.staging import staged, staged_file

if TYPE_CHECKING:
    from pathlib import Path

ARTIFACT = str(default_artifact_path())


def test_inspect_shows_every_model_and_that_the_hashes_were_verified() -> None:
    result = CliRunner().invoke(app, ["inspect", ARTIFACT])
    assert result.exit_code == 0
    manifest = load_artifact(default_artifact_path()).manifest
    assert all(model_id in result.stdout for model_id in manifest.model_ids)
    assert "verified" in result.stdout


def test_inspect_as_json_is_json_and_nothing_else() -> None:
    result = CliRunner().invoke(app, ["inspect", ARTIFACT, "--json"])
    version = load_artifact(default_artifact_path()).manifest.version
    assert json.loads(result.stdout)["version"] == version


def test_evaluate_prints_a_table_or_json(tmp_path: Path) -> None:
    model_id = load_artifact(default_artifact_path()).manifest.model_ids[0]
    path = tmp_path / "records.jsonl"
    path.write_text(json.dumps({"id": "1", "task": "t", "query": "q", "scores": {model_id: 1}}))
    table = CliRunner().invoke(app, ["evaluate", ARTIFACT, str(path), "--baselines", str(path)])
    assert table.exit_code == 0
    assert "best single model" in table.stdout
    result = CliRunner().invoke(app, ["evaluate", ARTIFACT, str(path), "--json"])
    assert json.loads(result.stdout)["rankings"]["scorer"]["mean_score"] == 1.0


def test_bad_input_ends_with_its_problems_and_status_1_and_no_traceback(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_text("{\n" * 30)
    result = CliRunner().invoke(app, ["evaluate", ARTIFACT, str(path)])
    assert result.exit_code == 1
    assert f"{path}: line 1: is not JSON" in result.stderr
    assert "... and 10 more" in result.stderr
    assert "Traceback" not in result.output


def test_an_artifact_that_is_not_one_is_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["inspect", str(tmp_path)])
    assert result.exit_code == 1
    assert result.stderr.strip() == f"{tmp_path}: manifest.json is missing"


def test_without_the_training_extra_training_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    for module in ("scorer.training.train", "scorer.training.checkpoint", "scorer.training.model"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    result = CliRunner().invoke(app, ["train", f"{ARTIFACT}/recipe.toml", "out", "--data", "."])
    assert result.exit_code == 1
    assert "torch is not installed: install the [train] extra" in result.stderr


def test_a_staged_directory_appears_complete_or_not_at_all(tmp_path: Path) -> None:
    with staged(tmp_path / "deep" / "good") as directory:
        (directory / "file").write_text("x")
        assert not (tmp_path / "deep" / "good").exists()
    assert (tmp_path / "deep" / "good" / "file").read_text() == "x"
    with pytest.raises(NotADirectoryError), staged(tmp_path / "bad") as directory:
        (directory / "file" / "below").mkdir(parents=(directory / "file").write_text("x") == 1)
    assert [path.name for path in tmp_path.iterdir()] == ["deep"]
    with pytest.raises(FileExistsError), staged(tmp_path / "deep"):
        pytest.fail("nothing is ever overwritten")


def test_a_staged_file_appears_complete_or_not_at_all(tmp_path: Path) -> None:
    with staged_file(tmp_path / "deep" / "good") as path:
        path.write_text("x")
        assert not (tmp_path / "deep" / "good").exists()
    assert (tmp_path / "deep" / "good").read_text() == "x"
    with pytest.raises(ZeroDivisionError), staged_file(tmp_path / "bad") as path:
        path.write_text(str(1 // 0))
    assert [path.name for path in tmp_path.iterdir()] == ["deep"]
    with pytest.raises(FileExistsError), staged_file(tmp_path / "deep" / "good"):
        pytest.fail("nothing is ever overwritten")
