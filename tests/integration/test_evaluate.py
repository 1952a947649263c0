"""`routemoa eval` from a folder of recordings to the report, through the real services."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest
import typer
from typer.testing import CliRunner

from services.evaluation.answers.eval_command import evaluate

if TYPE_CHECKING:
    from pathlib import Path

# The shipped artifact knows both.
RIGHT, WRONG = "gpt-4o-mini-2024-07-18", "gemma-2-2b-it"
QUERY_COUNT = 8

app = typer.Typer()
app.command()(evaluate)


def rows(split: str) -> list[dict[str, Any]]:
    return [
        {
            "id": f"{split}/{number}",
            "task": "sums",
            "query": f"What is {number} + {number}, in {split}?",
            "scores": {RIGHT: 1.0, WRONG: 0.0},
            "responses": {RIGHT: f'{{"answer": {2 * number}}}', WRONG: f'{{"answer": {number}}}'},
            "cost_usd": {RIGHT: 0.002, WRONG: 0.001},
        }
        for number in range(1, QUERY_COUNT + 1)
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for split in ("train", "test"):
        lines = "\n".join(json.dumps(row) for row in rows(split))
        (tmp_path / f"{split}.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    return tmp_path


@pytest.mark.timeout(300)
def test_recorded_queries_are_answered_scored_and_priced(folder: Path) -> None:
    tables = folder / "tables.md"
    arguments = ["--replay", str(folder), "--json", "--markdown", str(tables)]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)

    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["query_count"] == QUERY_COUNT
    assert report["failed_queries"] == {}
    assert report["unmatched_count"] == 0
    assert report["calls_per_query"] >= 1
    assert report["overhead"]["p50_ms"] < report["total"]["p50_ms"]
    assert "knows 2 of the models" in report["settings"]["scorer"]
    lines = {line["label"]: line for line in report["lines"]}
    assert lines[f"best single model ({RIGHT})"]["score"]["mean"] == 1
    assert lines["random model (expected)"]["score"]["mean"] == 0.5
    assert lines["whole pool"]["usd_per_1000_queries"] == pytest.approx(3.0)
    assert lines["final answer"]["usd_per_1000_queries"] >= 1.0
    assert lines["final answer"]["score"]["mean"] > 0
    assert "| final answer |" in tables.read_text()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--exclude", "absent"), "not in the pool: absent"),
        (("--policy", "color=red"), "'color'"),
    ],
)
def test_options_that_make_no_sense_are_named_before_anything_starts(
    folder: Path, arguments: tuple[str, ...], complaint: str
) -> None:
    result = CliRunner().invoke(app, ["--replay", str(folder), *arguments])
    assert result.exit_code == 2
    assert complaint in result.output


def test_a_folder_without_recordings_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["--replay", str(tmp_path)], env={"COLUMNS": "400"})
    assert result.exit_code == 2
    assert "is not a pool folder" in result.output
