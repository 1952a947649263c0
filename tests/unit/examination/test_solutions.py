"""The right answers, found again in another way than the generators find them."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from itertools import islice, permutations

import pytest

from services.examination.questions.checkers.checker import Reply
from services.examination.questions.generation import questions
from services.examination.questions.question import LEVELS, Question

Test = Callable[[int, int], bool]
CLUES: dict[str, Test] = {
    "stands somewhere to the left of": lambda a, b: a < b,
    "stands directly beside": lambda a, b: abs(a - b) == 1,
    "does not stand beside": lambda a, b: abs(a - b) != 1,
}


def made(kind: str, level: int, count: int) -> list[Question]:
    return list(islice(questions(kind, level, "en", 11), count))


def answers(question: Question, answer: object) -> bool:
    return question.mark(Reply(f"Answer: {answer}")).score == 1


def ask(question: Question) -> str:
    """Returns a prompt without the words on the form of the reply."""
    return question.prompt.removesuffix("\n\nEnd with one line of the form `Answer: …`.")


@pytest.mark.parametrize("level", LEVELS)
def test_terms_have_their_values(level: int) -> None:
    for question in made("arithmetic", level, 50):
        term = ask(question).removeprefix("Calculate ").removesuffix(".").replace("×", "*")
        assert answers(question, eval(term))  # noqa: S307  # our own term


@pytest.mark.parametrize("level", LEVELS)
def test_one_number_alone_solves_an_equation(level: int) -> None:
    for question in made("algebra", level, 20):
        x = int(question.draft.reference.text.rpartition(" ")[2])
        if level <= 3:
            equation = ask(question).partition("\n\n")[2]
            difference = re.sub(r"(\d)([x(])", r"\1*\2", equation.replace("=", "-(")) + ")"
            values = [eval(difference, {"x": n}) for n in range(x - 50, x + 51)]  # noqa: S307
            assert values.count(0) == 1
            assert values[50] == 0
        assert answers(question, x)
        assert not answers(question, x + 1)


@pytest.mark.parametrize("level", LEVELS)
def test_one_order_alone_fits_the_clues(level: int) -> None:
    for question in made("logic", level, 5):
        match = re.fullmatch(
            r"\d people stand in a row: ([\w, ]+)\. Who stands at place (\d) from the left\? (.*)",
            ask(question),
        )
        assert match
        names, place = match[1].split(", "), int(match[2]) - 1
        clues = re.findall(rf"(\w+) ({'|'.join(CLUES)}) (\w+)\.", match[3])
        assert len(clues) == match[3].count(".")
        fitting = [
            order
            for order in permutations(names)
            if all(CLUES[said](order.index(a), order.index(b)) for a, said, b in clues)
        ]
        assert len(fitting) == 1
        assert answers(question, fitting[0][place])


@pytest.mark.parametrize("level", LEVELS)
def test_programs_print_the_answer(level: int) -> None:
    for question in made("code-output", level, 2):
        source = question.prompt.split("```")[1].removeprefix("python\n")
        done = subprocess.run(  # noqa: S603  # our own interpreter and program
            [sys.executable, "-I", "-S", "-c", source],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        assert answers(question, done.stdout)


@pytest.mark.parametrize("level", LEVELS)
def test_the_faulty_function_fails(level: int) -> None:
    for question in made("code-repair", level, 4):
        verdict = question.mark(Reply(question.prompt))
        assert verdict.score == 0
        assert re.fullmatch(r"passes \d+ of 12 tests|the program failed: \w+", verdict.reason)


@pytest.mark.parametrize("level", LEVELS)
def test_one_fact_in_five_is_not_stated(level: int) -> None:
    found = made("reading", level, 300)
    missing = [q for q in found if q.draft.reference.text == "Answer: not stated"]
    assert 0.1 < len(missing) / len(found) < 0.3
    for question in found:
        answer = question.draft.reference.text.removeprefix("Answer: ")
        is_stated = f"a dog named {answer}." in question.prompt
        assert is_stated == (question not in missing)
