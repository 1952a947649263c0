"""The simulated pool: deterministic, informative, labelled, and consistent with its pool file."""

from __future__ import annotations

import json
from statistics import fmean

import pytest
import yaml

from services.simulator.call import Call, Message, Purpose, Reference, read_call
from services.simulator.pool import MODELS, default_pool
from services.simulator.question_bank import QUESTIONS, Question, find_question
from services.simulator.simulated import SimulatedAnswers

NONCE = "0a1b2c3d"
SOURCE = SimulatedAnswers()


def proposal(model: str, query: str, references: tuple[Reference, ...] = ()) -> Call:
    return Call(
        model=model,
        messages=(),
        query=query,
        references=references,
        purpose=Purpose.PROPOSAL,
        nonce=NONCE,
    )


def answer_of(model: str, question: Question) -> str:
    return SOURCE.reply(read_call(model, [Message(role="user", content=question.text)])).text


def assessment_of(text: str) -> dict[str, float | dict[str, float]]:
    line = text.rsplit("\n", 1)[1]
    content: dict[str, float | dict[str, float]] = json.loads(
        line.removeprefix(f"@@assessment {NONCE} ")
    )
    return content


def self_score_of(model: str, question: Question) -> float:
    score = assessment_of(SOURCE.reply(proposal(model, question.text)).text)["self_score"]
    assert isinstance(score, float)
    return score


def is_right(model: str, question: Question) -> bool:
    return answer_of(model, question) == question.right


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.text[:20])
def test_an_answer_is_the_right_or_a_wrong_one_and_always_the_same(
    model: str, question: Question
) -> None:
    answer = answer_of(model, question)
    assert answer in {question.right, *question.wrong}
    assert SimulatedAnswers().reply(proposal(model, question.text)).text.startswith(answer)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.text[:20])
def test_some_models_know_each_answer(question: Question) -> None:
    assert any(is_right(model, question) for model in MODELS)


def test_the_models_disagree_on_most_questions() -> None:
    split = [len({is_right(model, question) for model in MODELS}) == 2 for question in QUESTIONS]
    assert sum(split) > len(QUESTIONS) / 2


def test_self_scores_are_higher_where_the_model_is_right() -> None:
    scores: dict[bool, list[float]] = {True: [], False: []}
    for question in QUESTIONS:
        for model in MODELS:
            scores[is_right(model, question)].append(self_score_of(model, question))
    assert fmean(scores[True]) > fmean(scores[False]) + 0.15
    assert max(scores[False]) > min(scores[True])


def test_a_model_that_knows_the_answer_grades_the_right_reference_higher() -> None:
    question = QUESTIONS[0]
    model = next(model for model in MODELS if is_right(model, question))
    references = (
        Reference(label="R1", text=question.wrong[0]),
        Reference(label="R2", text=question.right),
    )
    grades = assessment_of(SOURCE.reply(proposal(model, question.text, references)).text)["grades"]
    assert isinstance(grades, dict)
    assert 0 <= grades["R1"] < 0.5 < grades["R2"] <= 1


def test_an_aggregator_that_knows_the_answer_takes_the_reference_that_holds_it() -> None:
    question = QUESTIONS[0]
    model = next(model for model in MODELS if is_right(model, question))
    call = Call(
        model=model,
        messages=(),
        query=question.text,
        references=(
            Reference(label="R1", text=question.wrong[0]),
            Reference(label="R2", text=question.right),
        ),
        purpose=Purpose.AGGREGATION,
        nonce=None,
    )
    assert SOURCE.reply(call).text == question.right


def test_a_query_outside_the_bank_gets_a_labelled_text_and_no_score() -> None:
    text = SOURCE.reply(proposal("gemma-2-9b-it", "Who won?")).text
    assert text.startswith("[simulated reply of gemma-2-9b-it:")
    assert "@@assessment" not in text


def test_a_question_is_found_whatever_its_case_and_punctuation() -> None:
    for question in QUESTIONS:
        assert find_question(f"  {question.text.upper().rstrip('?.')} ") is question
    assert find_question("") is None


def test_every_domain_of_the_bank_is_a_skill_of_every_model() -> None:
    for model in MODELS.values():
        assert {question.domain for question in QUESTIONS} <= model.skills.keys()
        assert all(0 <= skill <= 1 for skill in model.skills.values())


@pytest.mark.parametrize("base_url", ["http://h:1", "http://h:1/", "http://h:1/v1"])
def test_the_pool_file_says_that_it_is_simulated_and_lists_every_model(base_url: str) -> None:
    text = default_pool(base_url)
    assert text.startswith("# SIMULATED pool")
    models = yaml.safe_load(text)["models"]
    assert [model["id"] for model in models] == list(MODELS)
    assert {model["url"] for model in models} == {"http://h:1/v1"}
    assert all(0 < model["prior_score"] < 1 for model in models)
