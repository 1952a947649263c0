"""The directory of an answer scorer: what was written is what is read, and nothing else is."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from scorer.answers.answer_artifact import (
    MANIFEST_FILE,
    WEIGHTS_FILE,
    AnswerArtifactError,
    load_answer_artifact,
)
from scorer.answers.answer_scores import answer_scores
from tests.unit.scorer.answers.handmade import HEDGED, handmade, save

if TYPE_CHECKING:
    from pathlib import Path


def problems(path: Path) -> str:
    with pytest.raises(AnswerArtifactError) as caught:
        load_answer_artifact(path)
    return "; ".join(caught.value.problems)


def change(path: Path, **fields: object) -> None:
    file = path / MANIFEST_FILE
    file.write_text(json.dumps(json.loads(file.read_text()) | fields))


def test_what_was_saved_scores_as_before_and_the_version_is_of_the_content(tmp_path: Path) -> None:
    saved = save(tmp_path / "one", handmade())
    found = load_answer_artifact(tmp_path / "one")
    assert found.manifest == saved.manifest
    asked = ("q", {"a": HEDGED, "z": HEDGED}, {"a": 0.5, "z": 0.5})
    assert answer_scores(found.model, *asked) == pytest.approx(answer_scores(handmade(), *asked))
    assert save(tmp_path / "same", handmade()).manifest.version == saved.manifest.version
    assert save(tmp_path / "other", handmade(1.0)).manifest.version != saved.manifest.version


def test_altered_missing_and_oversized_weights_are_refused(tmp_path: Path) -> None:
    save(tmp_path, handmade())
    weights = tmp_path / WEIGHTS_FILE
    content = weights.read_bytes()
    weights.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    assert "sha256" in problems(tmp_path)
    weights.write_bytes(content + b"\0")
    assert "another size" in problems(tmp_path)
    weights.unlink()
    assert "missing" in problems(tmp_path)


def test_weights_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    model = dataclasses.replace(handmade(), bias=np.full(3, np.inf))
    with pytest.raises(AnswerArtifactError, match="no numbers"):
        save(tmp_path, model)


def test_a_manifest_that_does_not_fit_is_refused_with_every_problem(tmp_path: Path) -> None:
    save(tmp_path, handmade())
    change(tmp_path, feature_names=["length"], unknown_share=2, hidden_units=10**9)
    found = problems(tmp_path)
    assert "another version" in found
    assert "unknown_share" in found
    assert "hidden_units" in found
    change(tmp_path, format_version=2)
    assert "format_version is 2" in problems(tmp_path)
    (tmp_path / MANIFEST_FILE).write_text("[" * 100_000)
    assert "cannot be read" in problems(tmp_path)
    (tmp_path / MANIFEST_FILE).unlink()
    assert "cannot be read" in problems(tmp_path)
