from __future__ import annotations

import collections

from hypothesis import given
from hypothesis import strategies as st

from scorer.data.records import Record
from scorer.data.splits import fold_of, split_records


def record(query: str) -> Record:
    return Record(id=query, task="t", query=query, scores={"a": 1.0})


def test_a_split_holds_out_about_the_fraction_that_was_asked_for() -> None:
    records = [record(f"query {number}") for number in range(2000)]
    train, validation = split_records(records, validation_fraction=0.1, seed=1)
    assert len(train) + len(validation) == 2000
    assert 150 < len(validation) < 250


@given(texts=st.lists(st.text(max_size=4), min_size=1, max_size=30), seed=st.integers(0, 9))
def test_one_text_is_never_on_both_sides_and_order_does_not_matter(
    texts: list[str], seed: int
) -> None:
    records = [record(text) for text in texts]
    train, validation = split_records(records, validation_fraction=0.5, seed=seed)
    assert {r.query for r in train}.isdisjoint({r.query for r in validation})
    again, _ = split_records(records[::-1], validation_fraction=0.5, seed=seed)
    assert {r.query for r in again} == {r.query for r in train}


def test_folds_are_about_equal_and_a_text_is_always_in_the_same_one() -> None:
    texts = [f"query {number}" for number in range(5000)]
    folds = [fold_of(text, 5, seed=1) for text in texts]
    sizes = collections.Counter(folds)
    assert set(sizes) == set(range(5))
    assert all(900 < size < 1100 for size in sizes.values())
    assert folds == [fold_of(text, 5, seed=1) for text in texts]
    assert folds != [fold_of(text, 5, seed=2) for text in texts]


def test_folds_cut_after_a_split_are_about_equal_too() -> None:
    records = [record(f"query {number}") for number in range(5000)]
    train, _ = split_records(records, validation_fraction=0.2, seed=1)
    sizes = collections.Counter(fold_of(each.query, 5, seed=1) for each in train)
    assert len(sizes) == 5
    assert all(700 < size < 900 for size in sizes.values())


@given(text=st.text(), folds=st.integers(1, 20), seed=st.integers())
def test_a_fold_is_one_of_the_folds(text: str, folds: int, seed: int) -> None:
    assert 0 <= fold_of(text, folds, seed) < folds
