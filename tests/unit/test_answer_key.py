"""The final answer of a reply, in the forms in which models give it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.answer_key import answer_key


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('{"reasoning": "16 - 7 = 9, times 2", "answer": "18"}', "18"),
        ('{"reasoning": "x", "answer": 18.0}', "18"),
        ('Here it is:\n```json\n{\n "reasoning": "a\nb",\n "answer": "$64"\n}\n```\nDone.', "64"),
        ('{"reasoning": "uses "quotes" badly", "answer": "1,200.50"}', "1200.5"),
        ('{"reasoning": "cut {off", "answer": 7', "7"),
        ('{"reasoning": "\\frac is a bad escape", "answer": "\\dfrac{1}{2}"}', r"\frac12"),
        ('{"answer": "18 dollars"}', "18"),
        ('{"answer": "5 %"}', "5"),
        ('{"answer": "[1,2,  \'a\']"}', "[1, 2, 'a']"),
        ('{"answer": [1, 2, "a"]}', "[1, 2, 'a']"),
        ('{"answer": "\'AbC\'"}', "AbC"),
        ('{"answer": "AbC"}', "AbC"),
        ('{"answer": true}', "True"),
        ('{"answer": "-0.0"}', "0"),
        ("Let's think. The answer is (J).\n\n", "J"),
        ("The answer is: C", "C"),
        ("The answer is (B). Question: next? The answer is (C).", "B"),
        (r"so \boxed{1} or rather $\boxed{\frac{3}{4}}$", r"\frac34"),
        (r"\boxed{7}", "7"),
        ('{"answer": [1,\n 2]} That is all.', "[1, 2]"),
        ("B", "B"),
        (" (b). ", "B"),
        ("Yes.", "yes"),
        ("$1,000", "1000"),
    ],
)
def test_an_answer_is_found_and_normalized(text: str, key: str) -> None:
    assert answer_key(text) == key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "The answer is a matter of taste.",
        "def f(x):\n    return x",
        r"\boxed{unfinished",
        '{"reasoning": "no more"}',
        '{"answer": null}',
        '{"answer": ""}',
    ],
)
def test_a_reply_without_an_answer_has_no_key(text: str) -> None:
    assert answer_key(text) is None


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    answer_key(text)


@given(st.text(alphabet='{}[]()"answer:\\boxed$,.0123 -'))
def test_any_text_made_of_the_marks_can_be_read(text: str) -> None:
    answer_key(text)


@pytest.mark.parametrize("mark", ["(", "{", "[", "-", "1", '{"answer":', "\\boxed{", "9" * 50])
def test_a_mark_repeated_without_end_can_be_read(mark: str) -> None:
    answer_key(mark * 100_000)
    answer_key(f'{{"answer": "{mark * 1000}"}}')
    answer_key(f'{{"answer": {mark * 1000}')


@given(st.text(min_size=1).filter(str.strip), st.text())
def test_equal_answers_have_equal_keys_whatever_the_reasoning(answer: str, reasoning: str) -> None:
    plain = json.dumps({"answer": answer})
    reasoned = "```json\n" + json.dumps({"reasoning": reasoning, "answer": answer}) + "\n```"
    assert answer_key(plain) == answer_key(reasoned)


@given(st.integers())
def test_a_number_has_one_key_however_it_is_written(number: int) -> None:
    forms = [f"{number}", f"{number:,}", f"{number}.0", f"{number} apples"]
    assert {answer_key(json.dumps({"answer": form})) for form in forms} == {str(number)}
