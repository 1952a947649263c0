"""`routemoa arena`: from RouterArena's dataset to its files, and from its marks to the figures."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from typer.testing import CliRunner

from services.evaluation.arena.arena_command import app

if TYPE_CHECKING:
    from pathlib import Path

IDS = ("gpt-4o-mini-2024-07-18", "gemma-2-2b-it")
DATASET = [
    {"global index": f"sum_{n}", "prompt_formatted": f"What is {n} + {n}?"} for n in range(12)
]


@pytest.fixture
def pool(tmp_path: Path) -> Path:
    path = tmp_path / "pool.yaml"
    model = {
        "url": "http://127.0.0.1:9/v1",
        "prompt_price_usd_per_million_tokens": 1.0,
        "completion_price_usd_per_million_tokens": 2.0,
        "context_window_tokens": 8192,
    }
    path.write_text(yaml.safe_dump({"models": [{"id": each, **model} for each in IDS]}))
    return path


def written(path: Path, content: object) -> str:
    path.write_text(json.dumps(content))
    return str(path)


def marked(accuracies: list[float], cost: float | None = 0.00027) -> list[dict[str, Any]]:
    return [
        {"global index": f"q{n}", "prompt": "p", "prediction": "m", "accuracy": a, "cost": cost}
        for n, a in enumerate(accuracies)
    ]


@pytest.mark.timeout(300)
def test_every_query_gets_a_model_of_the_pool_under_routerarenas_name(
    tmp_path: Path, pool: Path
) -> None:
    dataset = written(tmp_path / "router_data.json", DATASET)
    output = tmp_path / "router_inference"
    arguments = ["predict", dataset, "--pool", str(pool), "--output", str(output)]
    arguments += ["--name", "mine", "--model", f"{IDS[0]}=gpt-4o-mini"]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)

    assert result.exit_code == 0, result.output
    config = json.loads((output / "config" / "mine.json").read_text())
    predictions = json.loads((output / "predictions" / "mine.json").read_text())
    assert config["pipeline_params"]["models"] == ["gpt-4o-mini", IDS[1]]
    assert [row["prompt"] for row in predictions] == [row["prompt_formatted"] for row in DATASET]
    assert {row["prediction"] for row in predictions} == {"gpt-4o-mini"}  # by far the better one


def test_a_name_for_a_model_that_is_not_there_is_refused_and_nothing_is_written(
    tmp_path: Path, pool: Path
) -> None:
    dataset = written(tmp_path / "router_data.json", DATASET)
    arguments = ["predict", dataset, "--pool", str(pool), "--output", str(tmp_path / "out")]
    result = CliRunner().invoke(app, [*arguments, "--model", "nobody=x", "--model", IDS[0]])
    assert result.exit_code == 2
    assert "nobody=x" in result.output
    assert IDS[0] in result.output
    assert not (tmp_path / "out").exists()


def test_marks_and_perturbed_predictions_become_figures(tmp_path: Path) -> None:
    marks = written(tmp_path / "marks.json", marked([1.0] * 7969 + [0.0] * 2031))
    changed = marked([1.0] * 4)
    changed[0]["prediction"] = "other"
    perturbed = written(tmp_path / "perturbed.json", changed)
    result = CliRunner().invoke(app, ["score", marks, "--perturbed", perturbed])
    assert result.exit_code == 0, result.output
    assert "77.6" in result.output  # the published score of the best router, at these figures
    assert "75.0" in result.output


def test_files_without_marks_say_so(tmp_path: Path) -> None:
    unmarked = written(tmp_path / "unmarked.json", marked([1.0, 0.0], cost=None))
    result = CliRunner().invoke(app, ["score", unmarked])
    assert result.exit_code == 2
    assert "neither marks" in result.output
