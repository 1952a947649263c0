"""A scorer that its training found worse is not served unless someone asks for it."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from scorer import default_artifact_path
from scorer.__main__ import app
from scorer.measures.benefit import Benefit
from scorer.measures.intervals import Interval
from scorer.measures.traffic_gain import TrafficGain

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

NONE = Interval(mean=0.0, low=0.0, high=0.0)


def artifact(directory: Path, gain: Interval) -> Path:
    """Returns a copy of the shipped artifact whose training measured this gain."""
    path = directory / "artifact"
    shutil.copytree(default_artifact_path(), path)
    manifest = json.loads((path / "manifest.json").read_text())
    found = Benefit(record_count=500, score=0.6, over_best_single=gain, over_knn=NONE)
    manifest["metrics"] |= found.figures
    (path / "manifest.json").write_text(json.dumps(manifest))
    return path


def learned(directory: Path, gain: Interval) -> Path:
    """Returns a copy of the shipped artifact that gained this on traffic."""
    path = artifact(directory, Interval(mean=0.03, low=0.01, high=0.05))
    manifest = json.loads((path / "manifest.json").read_text())
    found = TrafficGain(decision_count=200, changed_share=0.3, gain=gain)
    manifest["metrics"] |= found.figures
    (path / "manifest.json").write_text(json.dumps(manifest))
    return path


def activate(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["activate", *map(str, arguments)])


def test_a_scorer_that_is_worse_is_activated_only_on_request(tmp_path: Path) -> None:
    worse = artifact(tmp_path, Interval(mean=-0.055, low=-0.092, high=-0.019))
    link = tmp_path / "link"
    refused = activate(worse, "--link", link)
    assert refused.exit_code == 1
    assert "is worse than always taking the best single model: -5.5 points" in refused.stderr
    assert "--even-if-worse" in refused.stderr
    assert not link.exists()
    taken = activate(worse, "--link", link, "--even-if-worse")
    assert taken.exit_code == 0
    assert "warning: Choosing by query is worse" in taken.stderr
    assert link.resolve() == worse.resolve()


@pytest.mark.parametrize(
    ("gain", "warning"),
    [
        (Interval(mean=0.01, low=-0.01, high=0.03), "is not shown to be better"),
        (Interval(mean=0.03, low=0.01, high=0.05), ""),
    ],
)
def test_a_doubtful_scorer_is_activated_with_a_warning(
    tmp_path: Path, gain: Interval, warning: str
) -> None:
    found = activate(artifact(tmp_path, gain), "--link", tmp_path / "link")
    assert found.exit_code == 0
    assert (warning in found.stderr) if warning else not found.stderr


def test_a_learned_scorer_that_lost_on_traffic_is_activated_only_on_request(tmp_path: Path) -> None:
    worse = learned(tmp_path, Interval(mean=-0.04, low=-0.07, high=-0.01))
    link = tmp_path / "link"
    refused = activate(worse, "--link", link)
    assert refused.exit_code == 1
    assert "is worse than the one that served: -4.0 points [-7.0, -1.0]" in refused.stderr
    assert not link.exists()
    taken = activate(worse, "--link", link, "--even-if-worse")
    assert taken.exit_code == 0
    assert link.resolve() == worse.resolve()


def test_a_learned_scorer_without_a_shown_gain_is_activated_with_a_warning(tmp_path: Path) -> None:
    doubtful = learned(tmp_path, Interval(mean=-0.01, low=-0.03, high=0.01))
    found = activate(doubtful, "--link", tmp_path / "link")
    assert found.exit_code == 0
    assert "is not shown to differ from the one that served" in found.stderr


def test_inspect_says_whether_a_scorer_helps(tmp_path: Path) -> None:
    path = artifact(tmp_path, Interval(mean=0.03, low=0.01, high=0.05))
    shown = CliRunner().invoke(app, ["inspect", str(path)], env={"COLUMNS": "200"})
    assert "Choosing by query is better than always taking the best single model" in shown.stdout
    shipped = CliRunner().invoke(app, ["inspect", str(default_artifact_path())])
    assert shipped.exit_code == 0
