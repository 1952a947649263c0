from __future__ import annotations

import gzip
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from scorer.data.converters.conversion import ConversionError
from scorer.data.converters.decision_line import Label
from scorer.data.converters.decisions import NO_SCORE, NO_TEXT, convert

if TYPE_CHECKING:
    from pathlib import Path

    from scorer.data.records import Record


def assessment(model_id: str, posterior: float, **scores: float) -> dict[str, Any]:
    return {"model_id": model_id, "posterior_score": posterior} | scores


def attempt(model_id: str, **fields: Any) -> dict[str, Any]:
    return {
        "model_id": model_id,
        "purpose": "ANSWER",
        "status": "OK",
        "prompt_tokens": 10,
        "completion_tokens": 20,
        "cost_usd": 0.25,
        "duration_s": 1.5,
    } | fields


def decision(name: str = "1", *assessments: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A decision as the router writes it, as far as it is read here."""
    return {
        "schema_version": 1,
        "id": name,
        "query": {"character_count": 4, "text": "Why?"},
        "layers": [{"layer_number": 1, "assessments": list(assessments)}],
        "attempts": [attempt(item["model_id"]) for item in assessments],
    } | fields


def write(folder: Path, *rows: object) -> Path:
    path = folder / "decisions.jsonl"
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def read(*paths: Path, label: Label = Label.POSTERIOR) -> tuple[list[Record], Counter[str]]:
    skipped: Counter[str] = Counter()
    return list(convert(paths, label=label, skipped=skipped)), skipped


def problems_of(*paths: Path) -> tuple[str, ...]:
    with pytest.raises(ConversionError) as caught:
        read(*paths)
    return caught.value.problems


def test_a_decision_becomes_a_record_with_what_each_call_took(tmp_path: Path) -> None:
    row = decision("1", assessment("a", 0.75, self_score=0.5), tenant="support")
    row["attempts"] += [attempt("a", prompt_tokens=999), attempt("b")]
    [record] = read(write(tmp_path, row))[0]
    assert (record.id, record.task, record.query) == ("1", "support", "Why?")
    assert record.scores == {"a": 0.75}
    assert record.costs_usd == {"a": 0.25}
    assert record.prompt_tokens == {"a": 10}  # the first call; later ones read references
    assert record.completion_tokens == {"a": 20}
    assert record.latencies_s == {"a": 1.5}
    assert record.weight == 1


def test_the_last_assessment_of_a_model_stands(tmp_path: Path) -> None:
    row = decision("1", assessment("a", 0.5, self_score=0.5))
    row["layers"].append(
        {"layer_number": 2, "assessments": [assessment("a", 0.9, cross_score=0.8)]}
    )
    path = write(tmp_path, row)
    assert read(path)[0][0].scores == {"a": 0.9}
    assert read(path, label=Label.GRADES)[0][0].scores == {"a": 0.8}


def test_the_scorers_own_prior_is_no_label(tmp_path: Path) -> None:
    bare, graded = assessment("a", 0.7), assessment("b", 0.4, cross_score=0.3)
    assert read(write(tmp_path, decision("1", bare, graded)))[0][0].scores == {"b": 0.4}


def test_failed_and_cancelled_calls_cost_nothing_in_a_record(tmp_path: Path) -> None:
    row = decision("1", assessment("a", 0.7, self_score=1))
    row["attempts"] = [
        attempt("a", status="TIMEOUT", cost_usd=9),
        attempt("a", attempt_kind="RESUME", cost_usd=9),  # the end of a reply alone
        attempt("a"),
    ]
    assert read(write(tmp_path, row))[0][0].costs_usd == {"a": 0.25}


def test_equal_queries_are_one_record_that_counts_as_many(tmp_path: Path) -> None:
    rows = [
        decision("1", assessment("a", 0.5, self_score=1)),
        decision("2", assessment("a", 1.0, self_score=1), assessment("b", 0.25, self_score=1)),
        decision("3", assessment("a", 0.0, self_score=1), query={"text": "Where?"}),
    ]
    first, second = read(write(tmp_path, *rows))[0]
    assert (first.id, first.weight, first.scores) == ("1", 2, {"a": 0.75, "b": 0.25})
    assert (second.id, second.weight) == ("3", 1)


def test_what_cannot_teach_is_left_out_and_counted(tmp_path: Path) -> None:
    rows = [
        decision("1", assessment("a", 0.5, self_score=1)),
        decision("2", assessment("a", 0.5, self_score=1), query={"character_count": 4}),
        decision("3"),
    ]
    records, skipped = read(write(tmp_path, *rows))
    assert [record.id for record in records] == ["1"]
    assert skipped == {NO_TEXT: 1, NO_SCORE: 1}


def test_a_directory_is_read_without_the_file_that_is_still_written(tmp_path: Path) -> None:
    row = json.dumps(decision("1", assessment("a", 0.5, self_score=1)))
    (tmp_path / "decisions-1.jsonl.gz").write_bytes(gzip.compress(f"{row}\n".encode()))
    (tmp_path / "decisions-2.jsonl.open").write_text('{"half')
    assert [record.id for record in read(tmp_path)[0]] == ["1"]


def test_every_problem_is_told_with_its_line(tmp_path: Path) -> None:
    good = decision("1", assessment("a", 0.5, self_score=1))
    rows = [
        good,
        "{",
        good | {"schema_version": 2},
        good,
        decision("5", assessment("a", 1.5, self_score=1), query={"text": "Who?"}),
        {"schema_version": 1, "id": "6"},
    ]
    path = write(tmp_path, *rows)
    found = [problem.removeprefix(f"{path}: ") for problem in problems_of(path)]
    assert [problem.partition(":")[0] for problem in found] == [
        *("line 2", "line 3", "line 4"),
        *("line 6", "line 6", "line 6"),
        "line 5",
    ]
    assert "version 2" in found[1]
    assert "is already on" in found[2]
    assert "attempts is missing" in " ".join(found)
    assert "scores: 'a' must be a number in [0, 1]" in found[-1]


def test_nothing_to_learn_from_is_an_error(tmp_path: Path) -> None:
    assert problems_of(write(tmp_path, decision("1"))) == ("the sources hold no record",)
    assert "has no *.jsonl.gz" in problems_of(tmp_path / ".")[0]
