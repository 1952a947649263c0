from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.examination.questions.checkers.call_answer import CallAnswer, ExpectedCall
from services.examination.questions.checkers.checker import Reply, ToolCall
from services.examination.questions.checkers.date_answer import DateAnswer
from services.examination.questions.checkers.fact_answer import FactAnswer, FactLine
from services.examination.questions.checkers.instruction_answer import (
    Instruction,
    InstructionAnswer,
)
from services.examination.questions.checkers.json_answer import JsonAnswer
from services.examination.questions.checkers.list_answer import ListAnswer
from services.examination.questions.checkers.number_answer import NumberAnswer
from services.examination.questions.checkers.text_answer import TextAnswer
from services.examination.questions.vocabulary import LANGUAGES, Language
from tests.unit.examination.replies import of_number


@pytest.mark.parametrize(
    ("expected", "language", "text"),
    [
        ("12", "en", "Answer: 12"),
        ("12", "en", "12"),
        ("12", "en", "So Anna has 12 apples now."),
        ("12", "en", "Answer: 12 apples."),
        ("12", "en", "Answer: $12.00"),
        ("12", "en", "Answer: 3 * 4 = 12"),
        ("12", "en", r"We get \(3 \cdot 4 = \boxed{12}\)."),
        ("12", "en", "With 3 bags of 4, there are **12** apples."),
        ("-12", "en", "Answer: x = −12"),
        ("-12", "en", "Answer: - 12"),
        ("12", "en", "In the end:\n\n- 12"),
        ("1234567", "en", "Answer: 1,234,567"),
        ("1234567", "de", "Antwort: 1.234.567"),
        ("1234567", "de", "**Antwort:** 1 234 567"),
        ("1234567", "fr", "Réponse : 1\u202f234\u202f567"),
        ("1234567", "es", "Respuesta: 1.234.567,0"),
        ("1234", "de", "Antwort: 1.234"),
        ("1234", "de", "Answer: 1,234"),
        ("1234", "en", r"\boxed{1{,}234}"),
        ("12.5", "fr", "Réponse : 12,5"),
        ("12.5", "en", "Answer: 12.5"),
        ("12.5", "en", r"\boxed{\frac{25}{2}}"),
        ("12", "en", "Answer: 12 km^2"),
        ("12", "es", "La respuesta es 12."),
        ("12", "es", "**Respuesta final:** 12\n\nSon 3 veces 4."),
        ("12", "en", '{"answer": 12}'),
        ("12", "fr", "La réponse est 12."),
        ("12", "de", "Die Antwort lautet: 12"),
    ],
)
def test_a_number_may_be_written_in_many_ways(expected: str, language: Language, text: str) -> None:
    assert of_number(expected, language, text) == 1


@pytest.mark.parametrize(
    ("expected", "language", "text"),
    [
        ("12", "en", "Answer: 13"),
        ("12", "en", "Answer: 12 or 13"),
        ("12", "en", "12\n13"),
        ("12", "en", "Answer: 12\nNo.\nAnswer: 13"),
        ("12", "en", r"\boxed{12} is wrong. \boxed{13}"),
        ("12", "en", "Answer: 12 = 13"),
        ("12", "en", "Answer: -12"),
        ("-12", "en", "Answer: 12"),
        ("12", "en", "Answer: 112"),
        ("12", "en", "Answer: 1.2"),
        ("12", "en", "Answer: 12.5"),
        ("12", "en", "<think>Answer: 12"),
        ("12", "en", "Answer: x12"),
        ("12", "en", "Answer: 12/0"),
        ("1234", "en", "Answer: 1.234"),
        ("1.234", "en", "Answer: 1,234"),
        ("12", "en", "**12** or **13**"),
    ],
)
def test_another_number_is_wrong(expected: str, language: Language, text: str) -> None:
    assert of_number(expected, language, text) == 0


@given(
    st.integers(-(10**12), 10**12),
    st.sampled_from(LANGUAGES),
    st.sampled_from(["", ",", ".", " ", "'"]),
)
def test_whole_numbers_are_read_with_the_separators_of_their_language(
    number: int, language: Language, separator: str
) -> None:
    if language == "en" and separator == ".":
        separator = ","
    written = f"{number:,}".replace(",", separator)
    assert of_number(str(number), language, f"Answer: {written}") == 1
    assert of_number(str(number + 1), language, f"Answer: {written}") == 0


def mark_text(text: str) -> float:
    return TextAnswer("Anna", rivals=("Ben", "Clara")).check(Reply(text)).score


@pytest.mark.parametrize(
    "text",
    [
        "Anna",
        "anna.",
        "Answer: Anna",
        'Answer: "Anna"',
        r"\boxed{\text{Anna}}",
        "It is Anna who stands there.",
        "Between Ben and Clara, there is **Anna**.",
    ],
)
def test_a_name_may_stand_in_a_sentence(text: str) -> None:
    assert mark_text(text) == 1


@pytest.mark.parametrize(
    "text",
    ["Ben", "Anna or Ben", "Anna, Ben, Clara", "Annabel", "It is not Anna.", "Anna\n\nAnswer: Ben"],
)
def test_another_name_is_wrong(text: str) -> None:
    assert mark_text(text) == 0


def test_a_date_may_stand_in_a_sentence_that_names_no_other_one() -> None:
    checker = DateAnswer("2024-03-01")
    assert checker.check(Reply("The date is **2024-03-01**, a Friday.")).score == 1
    assert checker.check(Reply("It is 2024-03-01 or 2024-03-02.")).score == 0


@pytest.mark.parametrize("text", ["ba, ko, mi", "['ba', 'ko', 'mi']", "**ba**, **ko** and **mi**"])
def test_a_list_may_have_brackets_and_quotation_marks(text: str) -> None:
    assert ListAnswer(("ba", "ko", "mi")).check(Reply(f"Answer: {text}")).score == 1


@pytest.mark.parametrize("text", ["ko, ba, mi", "ba, ko", "ba, ko, mi, ba", "ba ko mi xo", ""])
def test_a_list_with_other_items_is_wrong(text: str) -> None:
    assert ListAnswer(("ba", "ko", "mi")).check(Reply(f"Answer: {text}")).score == 0


EXPECTED = {"n": 1, "paid": True, "name": "Zoë", "items": [{"k": 2}]}
GOOD = '{"n": 1, "paid": true, "name": "Zoë", "items": [{"k": 2}]}'


@pytest.mark.parametrize("text", [GOOD, f"```json\n{GOOD}\n```", f"Here it is: {GOOD} Bye {{x}}."])
def test_json_may_stand_in_a_fence_or_a_sentence(text: str) -> None:
    assert JsonAnswer(EXPECTED).check(Reply(text)).score == 1


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace("1", '"1"'),
        GOOD.replace("true", "1"),
        GOOD.replace("1", "true"),
        GOOD.replace("2", "3"),
        GOOD.replace("Zoë", "zoe"),
        GOOD[:-1],
        GOOD.replace("}]}", '}], "more": 1}'),
        GOOD.replace('"n": 1', '"n": 2, "n": 1'),
        f'{GOOD}\n{{"n": 2}}',
        GOOD.replace("1", "NaN"),
        f"[{GOOD.replace('1', '9' * 5_000)}]",
    ],
)
def test_json_with_other_content_is_wrong(text: str) -> None:
    assert JsonAnswer(EXPECTED).check(Reply(text)).score == 0


def test_calls_may_come_in_any_order_but_each_once() -> None:
    checker = CallAnswer((ExpectedCall("a", {"n": 1}), ExpectedCall("a", {"n": 2})))
    one, two = ToolCall("a", '{"n": 1}'), ToolCall("a", '{"n": 2}')
    assert checker.check(Reply("", (two, one))).score == 1
    for calls in (
        (one,),
        (one, one),
        (one, two, two),
        (one, ToolCall("b", '{"n": 2}')),
        (one, ToolCall("a", "{")),
    ):
        assert checker.check(Reply("", calls)).score == 0
    assert checker.check(Reply('a({"n": 1}), a({"n": 2})')).score == 0


def test_facts_belong_into_their_lines() -> None:
    one = FactLine(("Montag", "14"), ("Dienstag", "Monday"), 3)
    checker = FactAnswer((one, FactLine(("Dienstag", "15"), ("Montag",), 3)))
    right = "Am Montag um 14 Uhr.\nAm Dienstag um 15 Uhr."
    assert checker.check(Reply(right)).score == 1
    assert checker.check(Reply(f"Gern:\n\n{right}")).score == 1
    for text in (
        "Am Dienstag um 15 Uhr.\nAm Montag um 14 Uhr.",
        right.replace("15", "14"),
        right.replace("Am Montag", "Am Montag (Monday)"),
        right.splitlines()[0],
        right * 5,
    ):
        assert checker.check(Reply(text)).score == 0


@pytest.mark.parametrize(
    ("instruction", "good", "bad"),
    [
        (Instruction("words", "3"), "One two three.", "One two three four."),
        (Instruction("first", "kalo"), "**Kalo** sleeps.", "The kalo sleeps."),
        (Instruction("last", "kalo"), "There is a kalo!", "A kalo is there."),
        (Instruction("contains", "kalo"), "A Kalo, I think.", "A kaloton, I think."),
        (Instruction("without", "e"), "A cat sat.", "A café sat."),
        (Instruction("lower"), "a cat sat.", "A cat sat."),
    ],
)
def test_instructions_are_verified(instruction: Instruction, good: str, bad: str) -> None:
    checker = InstructionAnswer((instruction,))
    assert checker.check(Reply(good)).score == 1
    assert checker.check(Reply(bad)).score == 0
    assert checker.check(Reply("")).score == 0


def test_fractions_are_compared_exactly() -> None:
    assert NumberAnswer(Fraction(1, 3), "en").check(Reply("Answer: 1/3")).score == 1
    assert NumberAnswer(Fraction(1, 3), "en").check(Reply("Answer: 0.333")).score == 0
