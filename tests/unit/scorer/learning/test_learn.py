"""`learn`: a corrected artifact or none, and a clear message."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from typer.testing import CliRunner

from scorer.__main__ import app
from scorer.runtime.artifact import load_artifact
from scorer.runtime.runtime import Runtime
from tests.unit.scorer.learning.traffic_lines import decision, feedback, write_lines

if TYPE_CHECKING:
    from collections.abc import Iterator


ARTIFACT = Path("scorer/artifacts/default")
GOOD, BAD = "qwen2.5-7b-instruct", "gemma-2-9b-it"
NEW = "org/new-model"
QUERIES = tuple(f"What is {n} times {n + 7}? Explain each step." for n in range(40))
TRIES = {GOOD: 0.4, BAD: 0.4, NEW: 0.2}


def lines(count: int, success: dict[str, float], *, start: int = 0) -> Iterator[dict[str, Any]]:
    """Yields decisions that try every model, with feedback."""
    draw = np.random.default_rng(count + start)
    models = list(TRIES)
    for number in range(start, start + count):
        model = models[draw.choice(len(models), p=list(TRIES.values()))]
        yield decision(
            f"d{number}",
            minute=number,
            final=model,
            text=QUERIES[number % len(QUERIES)],
            tenant=f"t{number % 3}",
            priors=dict.fromkeys(models, 0.5),
            propensities=TRIES,
        )
        score = float(draw.random() < success[model])
        yield feedback(f"d{number}", minute=number + 1, score=score)


def learn(artifact: Path, records: Path, output: Path, *options: str) -> Any:
    arguments = ["learn", str(artifact), str(records), "--output", str(output), *options]
    return CliRunner().invoke(app, arguments)


def scores(path: Path) -> dict[str, float]:
    runtime = Runtime.open(load_artifact(path))
    found = runtime.score([runtime.tokenize(text) for text in QUERIES]).mean(axis=0)
    return dict(zip(runtime.model_ids, found.tolist(), strict=True))


def test_feedback_moves_its_models_adds_new_ones_and_leaves_all_others(tmp_path: Path) -> None:
    success = {GOOD: 0.95, BAD: 0.1, NEW: 0.9}
    records = write_lines(tmp_path / "all.jsonl.gz", lines(600, success))
    result = learn(ARTIFACT, records, tmp_path / "learned", "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert {model["model_id"] for model in report["models"]} == {GOOD, BAD, NEW}
    before, after = scores(ARTIFACT), scores(tmp_path / "learned")
    assert after[GOOD] > after[BAD] + 0.3
    assert after[NEW] > after[BAD] + 0.2
    others = before.keys() - {GOOD, BAD}
    assert all(after[model] == pytest.approx(before[model], abs=1e-6) for model in others)


def test_an_artifact_that_was_learned_is_no_prior(tmp_path: Path) -> None:
    success = {GOOD: 0.9, BAD: 0.2, NEW: 0.9}
    records = write_lines(tmp_path / "all.jsonl", lines(100, success))
    assert learn(ARTIFACT, records, tmp_path / "first").exit_code == 0
    again = learn(tmp_path / "first", records, tmp_path / "second")
    assert again.exit_code == 1
    assert "was itself learned from traffic" in again.stderr
    compared = learn(ARTIFACT, records, tmp_path / "second", "--serving", str(tmp_path / "first"))
    assert compared.exit_code == 0


def test_a_scorer_that_chooses_worse_on_the_newest_traffic_is_not_written(tmp_path: Path) -> None:
    old = lines(800, {GOOD: 0.02, BAD: 0.98, NEW: 0.02})
    new = lines(200, {GOOD: 0.98, BAD: 0.02, NEW: 0.98}, start=800)
    records = write_lines(tmp_path / "all.jsonl", [*old, *new])
    result = learn(ARTIFACT, records, tmp_path / "learned")
    assert result.exit_code == 1
    assert "is worse than the one that served" in result.stderr
    assert list(tmp_path.iterdir()) == [records]


@pytest.mark.parametrize(
    ("documents", "message"),
    [
        ([decision(f"d{n}") for n in range(30)], "left out 30 decisions without feedback"),
        ([decision("d", text=None)], "left out 1 decisions without the query's text"),
        ([feedback("d")], "there is no decision record"),
        ([decision("d") | {"layers": 3}], "line 1: layers must be a list"),
    ],
)
def test_traffic_that_nothing_can_be_learned_from_is_refused(
    tmp_path: Path, documents: list[dict[str, Any]], message: str
) -> None:
    result = learn(ARTIFACT, write_lines(tmp_path / "all.jsonl", documents), tmp_path / "learned")
    assert result.exit_code == 1
    assert message in result.stderr
    assert not (tmp_path / "learned").exists()


def test_without_a_driver_of_the_database_its_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "scorer.learning.traffic.database", raising=False)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    options = ("--postgres-dsn-file", str(tmp_path / "dsn"), "--output", str(tmp_path / "learned"))
    result = CliRunner().invoke(app, ["learn", str(ARTIFACT), *options])
    assert result.exit_code == 1
    assert "psycopg is not installed: install the [serve] extra" in result.stderr


def test_either_files_or_a_database_are_read(tmp_path: Path) -> None:
    for sources in ((), (str(tmp_path), "--postgres-dsn-file", str(tmp_path))):
        options = (*sources, "--output", str(tmp_path / "learned"))
        result = CliRunner().invoke(app, ["learn", str(ARTIFACT), *options])
        assert result.exit_code == 1
        assert "either RECORDS or --postgres-dsn-file" in result.stderr


def test_a_run_that_is_killed_leaves_nothing_that_could_be_served(tmp_path: Path) -> None:
    records = write_lines(tmp_path / "all.jsonl", lines(400, {GOOD: 0.9, BAD: 0.2, NEW: 0.9}))
    output = tmp_path / "learned"
    command = [sys.executable, "-m", "scorer", "learn", str(ARTIFACT), str(records)]
    with subprocess.Popen(  # noqa: S603  # our own module
        [*command, "--output", str(output)], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as process:
        assert process.stderr is not None
        while b"Learning" not in (line := os.read(process.stderr.fileno(), 4096)):
            assert line
        process.send_signal(signal.SIGKILL)
    # The rename is the last step: the whole artifact is there, or nothing under its name.
    if output.exists():
        load_artifact(output)
    else:
        assert learn(ARTIFACT, records, output).exit_code == 0
