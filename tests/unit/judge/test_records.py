"""Parameters that cannot be used stop nothing, and are reported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scorer.belief.curve import Curve
from scorer.belief.parameters import BeliefParameters, save_parameters
from services.judge.records import NO_RECORDS, Lack, Records

if TYPE_CHECKING:
    from pathlib import Path


def parameters(model_id: str) -> BeliefParameters:
    return BeliefParameters(
        version="",
        created="2026-12-01",
        decision_count=40,
        text_share=0.6,
        self_scores={},
        grades={model_id: Curve(center=0.0, slope=1.0, count=40)},
    )


def test_a_judge_without_a_file_lacks_nothing() -> None:
    assert NO_RECORDS.of({"a"}) == (None, None)


def test_a_file_that_appears_later_is_used_from_then_on(tmp_path: Path) -> None:
    path = tmp_path / "belief.json"
    records = Records(path)
    assert records.of({"a"}) == (None, Lack.MISSING)
    path.write_text('{"format_version": 2}', encoding="utf-8")
    records.refresh()
    assert records.of({"a"}) == (None, Lack.NEWER)
    saved = save_parameters(path, parameters("a"))
    records.refresh()
    assert records.of({"a", "b"}) == (saved, None)


def test_parameters_of_another_pool_are_not_used(tmp_path: Path) -> None:
    path = tmp_path / "belief.json"
    save_parameters(path, parameters("a"))
    assert Records(path).of({"b"}) == (None, Lack.FOREIGN)


def test_a_damaged_file_leaves_the_last_valid_parameters(tmp_path: Path) -> None:
    path = tmp_path / "belief.json"
    saved = save_parameters(path, parameters("a"))
    records = Records(path)
    path.write_text("{", encoding="utf-8")
    records.refresh()
    assert records.of({"a"}) == (saved, None)
