from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from scorer import default_artifact_path
from services.evaluation.decisions.replay_command import main
from services.router.decision_records.record import QueryEntry
from tests.unit.evaluation.decisions.samples import note, record

if TYPE_CHECKING:
    from pathlib import Path

    from services.router.decision_records.record import DecisionRecord


def write(folder: Path, *records: DecisionRecord) -> Path:
    rows = "".join(f"{item.model_dump_json(exclude_none=True)}\n" for item in records)
    (folder / "decisions-1.jsonl.gz").write_bytes(gzip.compress(rows.encode()))
    return folder


def records() -> list[DecisionRecord]:
    ranking = [note("<dear>", 0.9, cost_usd=1.0), note("cheap", 0.85, cost_usd=0.01)]
    both = record(ranking, ["<dear>", "cheap"], {"<dear>": 0.9, "cheap": 0.6})
    text = QueryEntry(
        character_count=4, estimated_token_count=9, message_count=1, text="Why is the sky blue?"
    )
    return [both, both.model_copy(update={"id": "2", "query": text})]


def test_a_report_says_what_would_change_and_on_how_much_it_rests(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write(tmp_path, *records())
    page = tmp_path / "page.html"
    options = ["--strategy", "single", "--policy", "cost_weight=0.5", "--html", str(page)]
    assert main(["--records", str(folder), *options]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"first model is the same \| 0\.0 ", shown)
    assert re.search(r"best answer of the first layer, score \| 2 \| 0\.9 \| 0\.6 \| -0\.3", shown)
    assert re.search(r"regret, score \| 2 \| 0 \| 0\.3", shown)
    assert re.search(r"expected cost of 1,000 first layers, \$ \| 2 \| 1010 \| 10 ", shown)
    assert "&lt;dear&gt;" in page.read_text()
    assert "<dear>" not in page.read_text()


def test_another_artifact_ranks_the_records_that_have_their_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write(tmp_path, *records())
    artifact = str(default_artifact_path())
    assert main(["--records", str(folder), "--artifact", artifact, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["summary"]["query_count"] == 1
    assert report["settings"]["compared"].startswith("1; left out: 1 without text")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "there are no records"),
        (gzip.compress(b"{}\n", mtime=0), "line 1: id: Field required"),
        (gzip.compress(b"not json\n", mtime=0), "line 1: Invalid JSON"),
        (gzip.compress(b'{"id": "1"}\n', mtime=0)[:-9], "cannot be read"),
    ],
)
def test_what_is_no_record_is_named_by_file_and_line(
    content: bytes, problem: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "decisions-1.jsonl.gz"
    path.write_bytes(content)
    assert main(["--records", str(path)]) == 1
    assert problem in capsys.readouterr().err


def test_a_source_must_be_given(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([])
    assert "--postgres-dsn-file" in capsys.readouterr().err


def test_the_command_line_hands_everything_on(tmp_path: Path) -> None:
    folder = write(tmp_path, *records())
    command = [sys.executable, "-m", "routemoa.cli", "replay", "--records", str(folder)]
    done = subprocess.run(  # noqa: S603  # our own program
        [*command, "--strategy", "single", "--json"], capture_output=True, check=False, timeout=150
    )
    assert done.returncode == 0
    assert json.loads(done.stdout)["summary"]["query_count"] == 2
    done = subprocess.run(  # noqa: S603  # as above
        [*command, "--strategy", "debate"], capture_output=True, check=False, timeout=150
    )
    assert done.returncode == 1
    assert b"debate" in done.stderr
