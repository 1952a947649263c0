from __future__ import annotations

import json
import statistics
from collections import Counter
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.examination.questions.checkers.checker import Reply
from services.examination.questions.generation import questions
from services.examination.questions.kinds import KINDS
from services.examination.questions.question import LEVELS, Question
from services.examination.questions.vocabulary import LANGUAGES, Language
from tests.unit.examination.replies import changed_mind, hostile

LEVELS_OF_KINDS = [(kind, level) for kind in KINDS for level in LEVELS]
SLOW = {"code-repair"}
"""Marking starts a process."""


def made(kind: str, level: int, language: Language, count: int, seed: int = 1) -> list[Question]:
    return list(islice(questions(kind, level, language, seed), count))


def size(question: Question) -> int:
    """Returns the amount of text and steps that a model has to deal with."""
    return len(question.prompt) + sum(len(str(tool)) for tool in question.draft.tools)


def test_there_are_kinds_levels_and_languages_enough() -> None:
    assert len(KINDS) >= 12
    assert len(LEVELS) >= 5
    assert len(LANGUAGES) >= 4


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("kind", "level"), LEVELS_OF_KINDS)
def test_the_right_reply_is_right_and_that_to_another_question_is_wrong(
    kind: str, level: int, language: Language
) -> None:
    one, *others = made(kind, level, language, 2 if kind in SLOW else 6)
    verdict = one.mark(one.draft.reference)
    assert verdict.score == 1, (verdict, one.prompt)
    for other in others:
        if other.draft.reference != one.draft.reference:
            verdict = one.mark(other.draft.reference)
            assert verdict.score == 0, (one.prompt, other.draft.reference)
            assert verdict.reason


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("kind", "level"), LEVELS_OF_KINDS)
def test_hostile_replies_are_wrong(kind: str, level: int, language: Language) -> None:
    for question in made(kind, level, language, 2, seed=5):
        for reply in (*hostile(question), changed_mind(question)):
            if kind in SLOW and "```" in reply.text and (level, language) != (1, "en"):
                continue  # each takes a process
            verdict = question.mark(reply)
            assert verdict.score == 0, (question.prompt[:300], reply.text[:300])
            assert verdict.reason


@pytest.mark.parametrize("kind", KINDS)
def test_right_replies_may_be_wrapped_in_print_and_talk(kind: str) -> None:
    for level in LEVELS:
        for question in made(kind, level, "en", 1, seed=3):
            text = question.draft.reference.text
            if not text.startswith("Answer: "):
                continue
            answer = text.removeprefix("Answer: ")
            for form in (
                f"Let me see. First, 3 and 4 make 7.\n\nThe answer is **{answer}**.",
                f"Working it out took 12 steps.\n\n**Answer:** {answer}\n",
                f"**Answer: {answer}**",
                f"### Answer:\n\n{answer}",
                f"```\n{answer}\n```",
                f"<think>Answer: 5? No.</think>{answer}",
                f"So we get\n\n$$\\boxed{{{answer}}}$$",
                f"Answer: {answer}\n\nI hope that this helps you!",
            ):
                assert question.mark(Reply(form)).score == 1, (form, question.prompt[-200:])


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_tells_the_questions(kind: str) -> None:
    for level in LEVELS:
        once, again = (made(kind, level, "fr", 3) for _ in range(2))
        other = made(kind, level, "fr", 3, seed=2)
        assert [(q.id, q.draft) for q in once] == [(q.id, q.draft) for q in again]
        assert not {q.prompt for q in once} & {q.prompt for q in other}
        assert not {q.id for q in once} & {q.id for q in other}


@pytest.mark.parametrize("kind", KINDS)
def test_no_two_of_a_thousand_prompts_are_equal(kind: str) -> None:
    prompts = {question.prompt for question in made(kind, 1, "en", 1_000)}
    assert len(prompts) == 1_000


@pytest.mark.parametrize("kind", KINDS)
def test_a_higher_level_is_longer(kind: str) -> None:
    count = 5 if kind == "needles" else 120
    sizes = [statistics.mean(map(size, made(kind, level, "en", count))) for level in LEVELS]
    assert sizes == sorted(sizes), sizes
    assert sizes[-1] > 1.3 * sizes[0]


@pytest.mark.parametrize("kind", KINDS)
def test_guessing_the_most_frequent_answer_is_rarely_right(kind: str) -> None:
    for level in LEVELS:
        found = made(kind, level, "es", 10 if kind == "needles" else 60)
        answers = Counter(str(question.draft.reference) for question in found)
        assert max(answers.values()) <= 0.4 * len(found), answers.most_common(2)


@pytest.mark.parametrize("kind", KINDS)
def test_languages_have_their_own_texts(kind: str) -> None:
    prompts = {made(kind, 3, language, 1)[0].prompt for language in LANGUAGES}
    assert len(prompts) == len(LANGUAGES)


def test_the_text_of_a_needle_grows_to_tens_of_thousands_of_words() -> None:
    words = [len(made("needles", level, "en", 1)[0].prompt.split()) for level in LEVELS]
    assert words[0] < 500
    assert words[-1] > 20_000


def test_schemas_name_the_fields_of_the_right_answer() -> None:
    for level in LEVELS:
        for question in made("extraction", level, "de", 20):
            schema = question.draft.schema
            assert schema is not None
            assert json.dumps(schema) in question.prompt
            assert set(schema["required"]) == set(json.loads(question.draft.reference.text))


CHEAP = [
    question
    for kind in KINDS
    if kind not in SLOW
    for language in LANGUAGES
    for question in made(kind, 2, language, 1)
]


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300), st.sampled_from(CHEAP))
def test_any_text_gets_a_verdict(text: str, question: Question) -> None:
    for reply in (Reply(text), Reply(f"Answer: {text}"), Reply(f"{{{text}}}")):
        assert question.mark(reply).score in {0, 1}


@pytest.mark.parametrize(
    "part", ["{", "[", "**", "9", "<think>", "Answer: ", '{"a":', "__ ", "\\boxed{", "```python\n"]
)
def test_absurd_replies_are_marked_as_wrong(part: str) -> None:
    for question in CHEAP:
        assert question.mark(Reply(part * 20_000)).score == 0
