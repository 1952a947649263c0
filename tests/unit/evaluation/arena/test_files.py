"""RouterArena's files: what is written can be read, and what cannot be read is named."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from services.evaluation.arena.files import (
    ArenaFileError,
    ArenaQuery,
    Submission,
    read_dataset,
    read_predictions,
)

if TYPE_CHECKING:
    from pathlib import Path

DATASET = [
    {"global index": "MMLU_1", "prompt_formatted": "Which one?"},
    {"global index": "AIME_2", "prompt": "How many?", "prompt_formatted": ""},
]


def written(folder: Path, content: object) -> Path:
    path = folder / "file.json"
    path.write_text(json.dumps(content))
    return path


def test_a_submission_has_the_config_and_a_prediction_per_query(tmp_path: Path) -> None:
    queries = read_dataset(written(tmp_path, DATASET[:1]))
    submission = Submission(
        name="mine", models=["a", "b"], queries=queries, choices={"MMLU_1": "b"}
    )
    config, predictions = submission.write(tmp_path)
    assert config == tmp_path / "config" / "mine.json"
    assert json.loads(config.read_text()) == {
        "pipeline_params": {"router_name": "mine", "models": ["a", "b"]}
    }
    assert json.loads(predictions.read_text()) == [
        {
            "global index": "MMLU_1",
            "prompt": "Which one?",
            "prediction": "b",
            "generated_result": None,
            "cost": None,
            "accuracy": None,
        }
    ]
    assert [each.prediction for each in read_predictions(predictions)] == ["b"]


def test_the_formatted_prompt_counts_and_the_plain_one_stands_in_for_it(tmp_path: Path) -> None:
    both = [{"global index": "a", "prompt": "plain", "prompt_formatted": "formatted"}]
    assert read_dataset(written(tmp_path, both))[0].prompt == "formatted"
    plain = [{"global_index": "a", "prompt": "plain"}]
    assert read_dataset(written(tmp_path, plain)) == [ArenaQuery.model_validate(plain[0])]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ({}, "array"),
        ([], "no query"),
        ([{"global index": "a"}], "0"),
        ([*DATASET[:1], *DATASET[:1]], "MMLU_1"),
        (DATASET, "1"),
    ],
)
def test_a_dataset_in_another_form_is_refused_with_its_problem(
    tmp_path: Path, content: object, problem: str
) -> None:
    with pytest.raises(ArenaFileError, match=problem):
        read_dataset(written(tmp_path, content))


def test_marks_outside_their_range_are_refused(tmp_path: Path) -> None:
    row = {"global index": "a", "prompt": "p", "prediction": "m", "accuracy": 1.5, "cost": -1}
    with pytest.raises(ArenaFileError) as refused:
        read_predictions(written(tmp_path, [row]))
    assert "accuracy" in str(refused.value)
    assert "cost" in str(refused.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArenaFileError, match=r"nothing\.json"):
        read_dataset(tmp_path / "nothing.json")
