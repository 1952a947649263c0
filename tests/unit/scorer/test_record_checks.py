from __future__ import annotations

import pytest

from scorer.data.records import Record
from scorer.training.record_checks import MIN_QUERIES, UntrainableError, check_records


def records(count: int, *, start: int = 0) -> list[Record]:
    return [
        Record(id=str(row), query=f"query {row}", scores={"a": row % 2, "b": 1 - row % 2})
        for row in range(start, start + count)
    ]


def warnings(training: list[Record], held_out: list[Record]) -> list[str]:
    said: list[str] = []
    check_records(training, held_out, warn=said.append)
    return said


def test_ordinary_records_pass_without_a_word() -> None:
    assert warnings(records(MIN_QUERIES), records(2, start=100)) == []


@pytest.mark.parametrize("count", [2, 6, MIN_QUERIES - 1])
def test_too_few_queries_are_counted_and_refused(count: int) -> None:
    with pytest.raises(UntrainableError, match=f"there are {count} different queries"):
        warnings(records(count), records(2, start=100))


def test_one_query_many_times_is_one_query() -> None:
    again = [
        Record(id=str(row), query="the same", scores={"a": 1, "b": 0}) for row in range(MIN_QUERIES)
    ]
    with pytest.raises(UntrainableError, match="there are 1 different queries"):
        warnings(again, records(2))


def test_one_model_or_one_score_leaves_nothing_to_learn() -> None:
    alone = [Record(id=str(n), query=str(n), scores={"a": n % 2}) for n in range(30)]
    with pytest.raises(UntrainableError, match="only a has scores"):
        warnings(alone, alone[:2])
    right = [Record(id=str(n), query=str(n), scores={"a": 1, "b": 1}) for n in range(30)]
    with pytest.raises(UntrainableError, match="every score is 1"):
        warnings(right, right[:2])


def test_a_training_that_holds_out_nothing_says_which_setting_to_change() -> None:
    with pytest.raises(UntrainableError, match="validation_fraction holds out none of 30 records"):
        warnings(records(30), [])


def test_records_that_look_wrong_are_named_and_learned_from() -> None:
    held_out = [Record(id="h", query="held out", scores={"late": 1, "a": 0})]
    constant = [Record(id=f"c{n}", query=f"c{n}", scores={"c": 1}) for n in range(3)]
    disagreeing = [Record(id="d", query="query 1", scores={"a": 0.0})]  # 1 in another record
    said = warnings([*records(30), *constant, *disagreeing], held_out)
    assert said == [
        "c has one and the same score everywhere",
        "late has one and the same score everywhere",
        "late has no score in the records to learn from, only in those held out",
        "1 query has different scores of one model in several records; all of them count",
    ]
