"""From a file as people have it to a scorer, or to a sentence that says what is wrong with it."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("torch", reason="needs the [train] extra")

from typer.testing import CliRunner

from scorer.__main__ import app
from scorer.data.records import read_records

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("ignore::Warning")]

RECIPE = """
name = "own"
max_tokens = 64
validation_fraction = 0.2
seed = 1
[learner]
ngram_buckets = 256
projection_width = 8
[[sources]]
name = "own"
file = "records.jsonl"
licence = "our own"
url = "our own"
"""


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def converted(folder: Path, *files: tuple[str, str]) -> Result:
    for name, text in files:
        (folder / name).write_text(text)
    sources = [folder / name for name, _ in files]
    return run("convert", *sources, "--output", folder / "records.jsonl")


def trained(folder: Path) -> Result:
    (folder / "recipe.toml").write_text(RECIPE)
    return run("train", folder / "recipe.toml", folder / "out", "--data", folder)


def wide(rows: int) -> str:
    cells = [f"how many is {row} and {row},{row % 2},{1 - row % 3 % 2}" for row in range(rows)]
    return "\n".join(["query,large,small", *cells])


def test_six_rows_end_in_a_sentence(tmp_path: Path) -> None:
    assert converted(tmp_path, ("six.csv", wide(6))).exit_code == 0
    found = trained(tmp_path)
    assert found.exit_code == 1
    [said] = [line for line in found.stderr.splitlines() if "queries" in line]
    assert re.fullmatch(r"there are [3-6] different queries .* at least 20 are needed; .*", said)
    assert not (tmp_path / "out").exists()


def test_a_table_without_ids_tasks_and_costs_becomes_a_scorer(tmp_path: Path) -> None:
    assert converted(tmp_path, ("own.csv", wide(60))).exit_code == 0
    found = trained(tmp_path)
    assert found.exit_code == 0, found.output
    assert (tmp_path / "out").is_dir()


def test_two_files_that_disagree_about_a_query_count_both_and_are_named(tmp_path: Path) -> None:
    ours = '{"query": "Why?", "scores": {"m": 1, "n": 1}}\n'
    theirs = '{"query": "Why?", "scores": {"m": 0}}\n{"query": "How?", "scores": {"m": 1}}\n'
    found = converted(tmp_path, ("ours.jsonl", ours), ("theirs.jsonl", theirs))
    assert found.exit_code == 0, found.output
    assert "warning: scores of the same query that differ, by model: m (1)" in found.stderr
    records = {record.query: record.scores for record in read_records(tmp_path / "records.jsonl")}
    assert records == {"Why?": {"m": 0.5, "n": 1}, "How?": {"m": 1}}


def test_a_column_of_text_where_scores_are_expected_is_shown(tmp_path: Path) -> None:
    text = "query,model,score\nWhy?,m,because of that\nHow?,m,somehow\n"
    found = converted(tmp_path, ("a.csv", text))
    assert found.exit_code == 1
    assert "column 'score' must hold scores, but holds text, such as" in found.stderr
    assert not (tmp_path / "records.jsonl").exists()


_MEASURED = """
import json, pathlib, re, sys, time
from scorer.__main__ import app
try:
    app(sys.argv[1:])
finally:
    # Not ru_maxrss, which a process has from the one that started it.
    peak = re.search(r"VmHWM:\\s+(\\d+) kB", pathlib.Path("/proc/self/status").read_text())
    used = {"mib": int(peak[1]) / 1024, "cpu_s": time.process_time()}
    pathlib.Path(sys.argv[2] + ".used").write_text(json.dumps(used))
"""


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_two_hundred_thousand_rows_take_little_memory(tmp_path: Path) -> None:
    draw = random.Random(1)
    models = [f"org/model-{number}" for number in range(10)]
    path = tmp_path / "large.csv"
    with path.open("w") as file:
        file.write("question,model,stars,cost\n")
        for row in range(20_000):
            query = f'"Question {row}: {draw.random()}\nand its second line, {"x" * 100}"'
            file.writelines(f"{query},{m},{draw.randint(1, 5)},0.001\n" for m in models)
    output = tmp_path / "records.jsonl.gz"
    command = [sys.executable, "-c", _MEASURED, "convert", str(path), "--output", str(output)]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own program
    used = json.loads(path.with_name("large.csv.used").read_text())
    assert used["mib"] < 512
    assert used["cpu_s"] < 300
    assert len(read_records(output)) == 20_000
