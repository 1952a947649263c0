"""The file of the parameters of belief: what is written is read, and nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from scorer.belief.curve import Curve
from scorer.belief.parameters import (
    BeliefParameters,
    BeliefParametersError,
    Unusable,
    load_parameters,
    save_parameters,
)

if TYPE_CHECKING:
    from pathlib import Path

CURVE = Curve(center=-0.25, slope=1.5, count=40)
PARAMETERS = BeliefParameters(
    version="",
    created="2026-12-01",
    decision_count=40,
    text_share=0.6,
    self_scores={"a": CURVE},
    grades={"b": CURVE},
)


def written(path: Path, **changes: Any) -> Path:
    """Returns a file of parameters some fields of which were changed."""
    save_parameters(path, PARAMETERS)
    document = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(document | changes), encoding="utf-8")
    return path


def refusal(path: Path) -> BeliefParametersError:
    with pytest.raises(BeliefParametersError) as caught:
        load_parameters(path)
    return caught.value


def test_what_is_written_is_read(tmp_path: Path) -> None:
    saved = save_parameters(tmp_path / "belief.json", PARAMETERS)
    assert saved.version.startswith("belief-")
    assert saved.model_ids == {"a", "b"}
    assert load_parameters(tmp_path / "belief.json") == saved


def test_a_file_that_is_missing_newer_or_damaged_says_so(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.json").kind is Unusable.MISSING
    newer = written(tmp_path / "newer.json", format_version=2, text_share="?")
    assert refusal(newer).kind is Unusable.NEWER
    altered = written(tmp_path / "altered.json", text_share=0.9)
    assert refusal(altered).kind is Unusable.INVALID
    assert "version" in refusal(altered).problems[0]
    (tmp_path / "text.json").write_text("[", encoding="utf-8")
    assert refusal(tmp_path / "text.json").kind is Unusable.INVALID


def test_all_problems_are_reported_at_once(tmp_path: Path) -> None:
    bad = {"a": {"center": float("inf"), "slope": -1.0, "count": -1}}
    problems = refusal(written(tmp_path / "bad.json", grades=bad, text_share=9)).problems
    assert len(problems) == 4
