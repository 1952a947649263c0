"""Where a pool's scores come from, as `routemoa pool check` and `routemoa up` say it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from services.router.check.__main__ import main
from services.router.check.score_report import (
    ADVICE,
    ScoreSource,
    read_artifact_models,
    score_reports,
    summary,
)
from services.router.pool.pool import Pool
from tests.unit.router.pool_models import model

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

KNOWN = ("Meta-Llama-3.1-8B-Instruct", "gpt-4o-2024-08-06")


def pool_of(fields: Mapping[str, Mapping[str, object]]) -> Pool:
    models = [model(8192).model_copy(update={"id": i, **each}) for i, each in fields.items()]
    return Pool(models=tuple(models))


POOL = pool_of(
    {
        "gpt-4o-2024-08-06": {},
        "fast": {"backend_model": "llama3.1:8b-instruct-q4_K_M"},
        "own": {"prior_score": 0.7},
        "gpt-4o-2024-11-20": {},
        "Qwen2.5-72B-Instruct": {},
        "模型": {
            "prompt_price_usd_per_million_tokens": 0.0,
            "completion_price_usd_per_million_tokens": 0.0,
        },
    }
)


def test_every_model_has_the_source_of_its_score() -> None:
    reports = score_reports(POOL, KNOWN)
    assert [(r.model_id, r.source, r.note) for r in reports] == [
        ("gpt-4o-2024-08-06", ScoreSource.SCORER, ""),
        ("fast", ScoreSource.RESPELLED, "Meta-Llama-3.1-8B-Instruct, without its quantization"),
        ("own", ScoreSource.POOL_FILE, ""),
        ("gpt-4o-2024-11-20", ScoreSource.GUESS, "its release gpt-4o-2024-08-06"),
        ("Qwen2.5-72B-Instruct", ScoreSource.GUESS, "72B parameters, released 2024-09"),
        ("模型", ScoreSource.GUESS, "the mean of the other models"),
    ]


def test_the_summary_names_the_guesses_and_what_to_do() -> None:
    lines = summary(score_reports(POOL, KNOWN))
    assert lines[0] == ("fast is scored as Meta-Llama-3.1-8B-Instruct, without its quantization.")
    assert lines[1].startswith("The scorer does not know 3 of 6 models.")
    assert lines[3].startswith("  Qwen2.5-72B-Instruct: 0.")
    assert lines[-1] == ADVICE


def test_a_pool_that_the_scorer_knows_has_no_summary() -> None:
    assert not summary(score_reports(pool_of({KNOWN[1]: {}}), KNOWN))


def test_a_large_pool_has_a_short_summary() -> None:
    pool = pool_of({f"model-{n}": {} for n in range(1000)})
    lines = summary(score_reports(pool, KNOWN))
    assert len(lines) < 40
    assert "  and 970 more" in lines


def test_the_models_of_an_artifact_are_read(tmp_path: Path) -> None:
    shipped = read_artifact_models(None)
    assert shipped is not None
    assert "gpt-4o-mini-2024-07-18" in shipped
    (tmp_path / "manifest.json").write_text(json.dumps({"model_ids": ["a"]}))
    assert read_artifact_models(tmp_path) == ("a",)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"model_ids": 7}', "\x00"])
def test_an_artifact_that_cannot_be_read_is_none(tmp_path: Path, content: str) -> None:
    assert read_artifact_models(tmp_path) is None
    (tmp_path / "manifest.json").write_text(content)
    assert read_artifact_models(tmp_path) is None


def test_the_offline_check_prints_the_sources(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pool.yaml").write_text(
        """
        models:
        - id: Qwen2.5-72B-Instruct
          url: http://127.0.0.1:1/v1
          prompt_price_usd_per_million_tokens: 1
          completion_price_usd_per_million_tokens: 1
          context_window_tokens: 8192
        """
    )
    assert main(["--pool", str(tmp_path / "pool.yaml"), "--offline"]) == 0
    (score,) = json.loads(capsys.readouterr().out)["scores"]
    assert score["source"] == "guess"
    assert score["usual_score"] > 0.5
