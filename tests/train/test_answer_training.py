"""Records with answers -> `train-answers` -> an artifact that the judge can load."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the [train] extra")

from typer.testing import CliRunner

from scorer.__main__ import app
from scorer.answers.answer_artifact import load_answer_artifact
from scorer.answers.answer_features import answer_features, read_query
from scorer.answers.answer_model import MAX_GAIN, log_odds
from scorer.training.answers.disguises import ALL

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.train,
    pytest.mark.timeout(600),
    # Torch warns of its own sparse tensors.
    pytest.mark.filterwarnings("ignore::Warning"),
]

RECIPE = """
name = "tiny"
max_tokens = 64
validation_fraction = 0.2
seed = 1

[[sources]]
name = "sums"
file = "sums.jsonl"
licence = "ours"
url = "ours"
"""
MODELS = ("careful", "hasty", "late")


def write_records(folder: Path, *, telling: bool = True, beside: bool = False) -> None:
    """Writes sums and answers; if `telling`, an answer that hedges is wrong more often."""
    draw = np.random.default_rng(3)
    records: list[dict[str, object]] = []
    answers: list[dict[str, object]] = []
    for number in range(400):
        left, right = (int(value) for value in draw.integers(1, 90, 2))
        scores, responses = {}, {}
        for model in MODELS:
            is_right = bool(draw.random() < (0.7 if model == "careful" else 0.5))
            hedged = (
                draw.random() < (0.15 if is_right else 0.85) if telling else draw.random() < 0.5
            )
            scores[model] = float(is_right)
            text = f"We add {left} and {right}."
            responses[model] = f"{text} Perhaps I am not sure." if hedged else f"{text} Therefore."
        records.append({"id": str(number), "query": f"Add {left} and {right}", "scores": scores})
        answers.append({"id": str(number), "responses": responses})
    if not beside:
        records = [record | answer for record, answer in zip(records, answers, strict=True)]
    else:
        write_lines(folder / "responses_sums.jsonl", answers)
    write_lines(folder / "sums.jsonl", records)
    (folder / "recipe.toml").write_text(RECIPE)


def write_lines(path: Path, rows: list[dict[str, object]]) -> None:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))


def train(folder: Path) -> tuple[int, str]:
    arguments = ["train-answers", folder / "recipe.toml", folder / "answers", "--data", folder]
    arguments += ["--created", "2026-01-02", "--json"]
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.output


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("answers")
    write_records(folder)
    code, output = train(folder)
    assert code == 0, output
    return folder


def scores_of(house: Path, texts: list[str], model: str, prior: float = 0.5) -> list[float]:
    artifact = load_answer_artifact(house / "answers")
    features = answer_features(read_query("Add 4 and 9"), texts)
    priors = np.full(len(texts), prior)
    return [float(s) for s in artifact.model.scores(features, [model] * len(texts), priors)]


def test_what_tells_right_from_wrong_is_learned_and_holds_for_a_model_never_seen(
    house: Path,
) -> None:
    texts = ["We add 4 and 9. Therefore.", "We add 4 and 9. Perhaps I am not sure."]
    known = scores_of(house, texts, "careful")
    unknown = scores_of(house, texts, "never seen")
    assert known[0] > known[1] + 0.2
    assert unknown[0] > unknown[1] + 0.1
    manifest = load_answer_artifact(house / "answers").manifest
    assert 0 < manifest.unknown_share <= 1
    metrics = manifest.metrics
    assert metrics["validation_loss"] < metrics["validation_prior_loss"]
    assert metrics["validation_gain_low"] > 0


def test_a_disguise_moves_a_hedged_answer_by_little_and_never_beyond_the_bound(house: Path) -> None:
    wrong = "We add 4 and 9. Perhaps I am not sure."
    draw = np.random.default_rng(5)
    (plain,) = scores_of(house, [wrong], "hasty")
    disguised = scores_of(house, [each("Add 4 and 9", wrong, draw) for each in ALL], "hasty")
    assert float(np.mean(disguised)) <= plain + 0.15
    highest = 1 / (1 + np.exp(-(log_odds(np.array([0.3])) + MAX_GAIN)))
    for text in ("", "x" * 50_000, "(A) " * 3_000, "1+1=2 " * 2_000, "\ud800 \0 ∞"):
        (score,) = scores_of(house, [text], "hasty", prior=0.3)
        assert 0 < score <= highest[0] + 1e-6


def test_answers_in_a_file_beside_the_records_give_the_same_artifact(
    house: Path, tmp_path: Path
) -> None:
    write_records(tmp_path, beside=True)
    code, output = train(tmp_path)
    assert code == 0, output
    versions = [load_answer_artifact(f / "answers").manifest.version for f in (house, tmp_path)]
    assert versions[0] == versions[1]
    assert "sums" in (tmp_path / "answers" / "MODEL_CARD.md").read_text()


def test_answers_that_say_nothing_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    write_records(tmp_path, telling=False)
    code, output = train(tmp_path)
    assert code == 1
    assert "do not help" in output
    assert not (tmp_path / "answers").exists()


def test_records_without_answers_and_bad_answers_are_refused(tmp_path: Path) -> None:
    write_records(tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "sums.jsonl").read_text().splitlines()]
    write_lines(tmp_path / "responses_sums.jsonl", [{"id": "0", "responses": {"careful": 1}}])
    code, output = train(tmp_path)
    assert code == 1
    assert "texts by model" in output
    (tmp_path / "responses_sums.jsonl").unlink()
    for row in rows:
        row.pop("responses")
    write_lines(tmp_path / "sums.jsonl", rows)
    code, output = train(tmp_path)
    assert code == 1
    assert "no record has answers" in output
