from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorer.data.overlap import Kind, find_overlaps, normalised, question_of
from scorer.data.records import Record

CAPITAL = "What is the capital of France?\nA. Rome\nB. Paris"


def records(*queries: str, prefix: str = "") -> list[Record]:
    return [
        Record(id=f"{prefix}{number}", task="t", query=query, scores={"a": 1.0})
        for number, query in enumerate(queries)
    ]


def shared(first: str, second: str) -> str:
    """Says how two questions in two files are found to be one."""
    files = {"first": records(first), "second": records(second)}
    by_pair = {(each.file, each.other): each for each in find_overlaps(files)}
    one, back = by_pair["first", "second"], by_pair["second", "first"]
    assert one.rows == back.rows
    return next((kind for kind, rows in one.rows.items() if rows), "")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("What is it?", "what  is\nit"),
        ("It\u2019s \u201ctrue\u201d, isn\u2019t it?", "It's \"true\" isn't it"),
        ("ｗｈａｔ is ﬁt", "What is fit"),
        ("a _____ sizing", "a __ sizing"),
        ("1990\u20132000", "1990-2000"),
        ("Question: Why?", "Why?"),
        ("第一：是。", "第一:是"),
    ],
)
def test_case_spacing_punctuation_and_unicode_form_do_not_matter(first: str, second: str) -> None:
    assert shared(first, second) == "text"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("What is 3 + 4?", "What is 3 - 4?"),
        ("What is 3.5 squared?", "What is 35 squared?"),
        ("Complete: [ ( <", "Complete: [ ( {"),
        ("2 * (3 + 4)", "2 * 3 + 4"),
        ("???", "!!!"),
    ],
)
def test_what_makes_two_formulas_differ_is_kept(first: str, second: str) -> None:
    assert shared(first, second) == ""


@pytest.mark.parametrize(
    ("other", "how"),
    [
        ("what is the capital of France\nA. rome\nB. paris.", "text"),
        ("What is the capital of France?\nA. Oslo\nB. Paris\nC. Bonn", "stem"),
        ("What is the capital of France?\nA) Paris\nB) Rome\nOnly a letter.\nAnswer:", "stem"),
        ("What is the capital of France?\nOptions:\n(A) Paris\n(B) Lyon", "stem"),
        ("Question:What is the capital of France?\nAnswer:", "stem"),
        ("What is the capital of France?\nA. Lima\nB. Oslo", ""),
        ("What is the capital of Italy?\nA. Rome\nB. Paris", ""),
    ],
)
def test_a_stem_is_the_same_question_unless_the_choices_have_nothing_in_common(
    other: str, how: str
) -> None:
    assert shared(CAPITAL, other) == how


WORDED = "Write a function that adds two whole numbers."


@pytest.mark.parametrize(
    ("other", "how"),
    [
        (f'"""\n{WORDED}\nassert add(1, 2) == 3\n"""', "line"),
        (f"{WORDED}\nPut the answer in a box.", "line"),
        (f"{WORDED} Put the answer in a box.", ""),
        ("Write a function that adds\ntwo whole numbers.", "text"),
    ],
)
def test_an_instruction_around_a_question_does_not_hide_it(other: str, how: str) -> None:
    assert shared(WORDED, other) == how


def test_a_short_line_proves_nothing() -> None:
    assert shared("Is this true?", "All swans are white.\nIs this true?") == ""


def test_a_row_whose_line_is_its_text_is_no_counterpart_of_itself() -> None:
    [overlap] = find_overlaps({"file": records(f"{WORDED}\n?", f"{WORDED} One.\nTwo.")})
    assert overlap.all_rows == set()


def test_choices_are_lettered_from_a_on() -> None:
    question = question_of("A. Smith wrote:\nB. Jones is wrong.\nWhich?\nA. the first\nB. the last")
    assert question.choices == {"the first", "the last"}
    assert question.stem.endswith("which")
    assert question_of("A. Smith wrote a book.").choices == frozenset()
    assert question_of("Plan\nA. go\nC. stay").choices == frozenset()


def test_a_row_is_no_counterpart_of_itself_and_both_of_a_pair_are_counted() -> None:
    [overlap] = find_overlaps(
        {"file": records("one", "two", "One", CAPITAL, CAPITAL + "\nC. Bonn")}
    )
    assert overlap.rows == {Kind.TEXT: {0, 2}, Kind.STEM: {3, 4}, Kind.LINE: set()}
    assert overlap.examples[Kind.TEXT] == (("0", "2"), ("2", "0"))
    assert overlap.examples[Kind.STEM] == (("3", "4"), ("4", "3"))
    assert overlap.all_rows == {0, 2, 3, 4}


def test_examples_are_ids_and_few() -> None:
    queries = [f"question {number}" for number in range(50)]
    files = {"a": records(*queries, prefix="a"), "b": records(*queries, prefix="b")}
    overlap = find_overlaps(files)[1]
    assert (overlap.file, overlap.other, len(overlap.all_rows)) == ("a", "b", 50)
    assert overlap.examples[Kind.TEXT] == (("a0", "b0"), ("a1", "b1"), ("a2", "b2"))


@given(text=st.text())
def test_normalising_twice_is_normalising_once_for_words(text: str) -> None:
    words = " ".join(character for character in text if character.isalnum())
    assert normalised(normalised(words)) == normalised(words)


@given(text=st.text())
def test_any_text_can_be_taken_apart_and_is_its_own_duplicate(text: str) -> None:
    [overlap] = find_overlaps({"file": records(text, text)})
    assert overlap.rows[Kind.TEXT] == {0, 1}
