"""Features of answers: what they count, and that hostile text costs little."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorer.answers.answer_features import MAX_CHARACTERS, NAMES, answer_features, read_query

QUESTION = "What is 2 + 3?\nA. 5\nB. 6 apples\nC. seven pears"


def feature(name: str, answer: str, query: str = QUESTION) -> float:
    return float(answer_features(read_query(query), [answer])[0, NAMES.index(name)])


def test_equations_are_checked() -> None:
    text = "2 + 3 = 5, then 5*4=21 and 10 / 4 = 2.5, and $3 \\times 4 = 12"
    assert feature("equations that hold", text) == pytest.approx(np.log1p(3))
    assert feature("equations that do not hold", text) == pytest.approx(np.log1p(1))
    assert feature("equations that do not hold", "1 / 0 = 7") == pytest.approx(np.log1p(1))


def test_the_choice_that_is_taken_is_compared_with_what_the_answer_says() -> None:
    right = "2 + 3 = 5. The answer is (A)."
    other = "Seven pears are there. The answer is (C)."
    assert feature("takes A", right) == 1
    assert feature("its number was found last", right) == 1
    assert feature("support of the choice", other) == 1
    assert feature("contradicts itself", "The answer is (A). No, the answer is (B).") == 1
    assert feature("has choices", right, query="What is 2 + 3?") == 0


def test_hedges_and_refusals_are_counted_and_the_end_counts_apart() -> None:
    assert feature("hedged: count", "Perhaps it may be so.") == pytest.approx(np.log1p(2))
    assert feature("refused: at the end", "Sorry, I cannot say.") == 1
    assert feature("refused: at the end", "Sorry. " + "word " * 60) == 0
    assert feature("unsure: count", "That is not clear.") > 0


def test_names_are_distinct_and_answers_keep_their_order() -> None:
    assert len(set(NAMES)) == len(NAMES)
    query = read_query(QUESTION)
    together = answer_features(query, ["one", "two words", ""])
    assert together.shape == (3, len(NAMES))
    assert np.array_equal(together[1], answer_features(query, ["two words"])[0])
    assert answer_features(query, []).shape == (0, len(NAMES))


@given(query=st.text(max_size=300), answer=st.text(max_size=300))
def test_any_text_has_finite_features(query: str, answer: str) -> None:
    assert np.isfinite(answer_features(read_query(query), [answer])).all()


@pytest.mark.parametrize(
    "piece",
    ["1", "1,", "9.9", "(A) ", "answer is ", "a ", "- ", "1 + ", "1=1 ", "A. x\n", "$", "é"],
)
def test_time_is_bounded_whatever_the_text_is(piece: str) -> None:
    def seconds(characters: int) -> float:
        text = (piece * characters)[:characters]
        started = time.process_time()
        features = answer_features(read_query(text), [text])
        assert np.isfinite(features).all()
        return time.process_time() - started

    some = min(seconds(MAX_CHARACTERS // 4) for _ in range(3))
    most = min(seconds(100 * MAX_CHARACTERS) for _ in range(3))
    # Four times the text, and cut to the most that is read: far less than the square of four.
    assert most < 12 * some + 0.05
