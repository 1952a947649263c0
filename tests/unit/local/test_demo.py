from __future__ import annotations

import pytest

from routemoa.v1.model_pb2 import Model
from services.local.demo import (
    QUESTIONS,
    DemoAnswer,
    estimate_costs,
    summary_table,
    whole_pool_cost_usd,
)
from services.simulator.question_bank import find_question
from tests.unit.cli.text import rendered
from tests.unit.client import samples

POOL = [
    Model(
        model_id="acme/large",
        prompt_price_usd_per_million_tokens=2.0,
        completion_price_usd_per_million_tokens=10.0,
    ),
    Model(model_id="acme/free"),
]


def test_the_simulator_knows_every_question_and_its_domain() -> None:
    known = [find_question(question.text) for question in QUESTIONS]
    assert [question and question.domain for question in known] == [q.domain for q in QUESTIONS]
    assert len({question.domain for question in QUESTIONS}) == len(QUESTIONS)


def test_the_whole_pool_costs_every_models_price_for_the_mean_tokens_of_the_calls() -> None:
    # The sample's first layer read 100 and 100 tokens and wrote 20 and 10.
    calls = samples.layer(samples.LAYER_ONE).usage
    assert whole_pool_cost_usd(POOL, calls) == pytest.approx((100 * 2.0 + 15 * 10.0) / 1e6)


def test_calls_without_a_whole_reply_are_no_basis_for_an_estimate() -> None:
    # Of the second layer's calls, one read 200 tokens and wrote 30, and one was refused.
    calls = samples.layer(samples.LAYER_TWO).usage
    assert whole_pool_cost_usd(POOL, calls) == pytest.approx((200 * 2.0 + 30 * 10.0) / 1e6)
    assert whole_pool_cost_usd(POOL, calls[1:]) == 0.0


def test_an_answer_is_compared_with_the_pool_once_and_in_the_same_layers() -> None:
    answer = estimate_costs(QUESTIONS[0], samples.result(), POOL)
    assert answer.pool_once_usd == pytest.approx(0.00035)
    assert answer.pool_layers_usd == pytest.approx(0.00035 + 0.0007 + 0.0005)


def test_the_summary_has_a_row_per_question_and_adds_up() -> None:
    first, second, third = QUESTIONS[:3]
    answers = [
        DemoAnswer(
            question=first, result=samples.result(), pool_once_usd=0.004, pool_layers_usd=0.012
        ),
        DemoAnswer(question=second, result=None),
        DemoAnswer(
            question=third, result=samples.result(), pool_once_usd=0.001, pool_layers_usd=0.002
        ),
    ]
    lines = [" ".join(line.split()) for line in rendered(summary_table(answers)).splitlines()]
    assert lines[1:] == [
        "maths acme/large 5 $0.003000 $0.004000 $0.012000 75% 3.60 s",
        "code failed",
        "law acme/large 5 $0.003000 $0.001000 $0.002000 -50% 3.60 s",
        "2 of 3 10 $0.006000 $0.005000 $0.014000 57%",
    ]
