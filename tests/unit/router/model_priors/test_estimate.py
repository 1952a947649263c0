"""Estimates of scores by names, prices and known models."""

from __future__ import annotations

import math
import time

import pytest

from services.router.model_priors.ability import estimate_abilities
from services.router.model_priors.estimate import Estimate, estimate_priors
from services.router.model_priors.facts import ModelFacts


def guess(*names: str, known: dict[str, float] | None = None) -> dict[str, Estimate]:
    facts = [(ModelFacts((name,)), score) for name, score in (known or {}).items()]
    return estimate_priors({name: ModelFacts((name,)) for name in names}, facts)


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ("qwen2.5-72b-instruct", "qwen2.5-7b-instruct"),
        ("llama-3.1-8b-instruct", "llama-2-7b-chat"),
        ("gpt-4o", "gpt-4o-mini"),
        ("gpt-4.1", "gpt-4.1-nano"),
        ("claude-3-opus", "claude-3-haiku"),
        ("gpt-5", "gpt-4o"),
        ("gemini-2.5-pro", "gemini-2.5-flash-lite"),
        ("claude-sonnet-4-5-20250929", "claude-3-5-sonnet-20240620"),
        ("deepseek/deepseek-r1", "deepseek-r1-distill-qwen-14b"),
        ("DeepSeek-V3-0324", "DeepSeek-V3"),
        ("Qwen3-32B", "Qwen3-30B-A3B"),
        ("mixtral-8x22b-instruct", "mixtral-8x7b-instruct"),
        ("gemma-3-4b-it", "gemma-3-270m-it"),
        ("Llama-3.1-8B-Instruct", "Llama-3.1-8B"),
        ("mistral-large-2411", "mistral-large-2402"),
    ],
)
def test_later_and_larger_models_are_better(better: str, worse: str) -> None:
    found = guess(better, worse)
    assert found[better].score > found[worse].score


def test_a_version_that_is_not_listed_is_taken_for_the_next_older_one() -> None:
    found = guess("gpt-6", "gpt-5", "gpt-4o", "claude-9-opus", "claude-3-opus")
    assert found["gpt-6"].score >= found["gpt-5"].score > found["gpt-4o"].score
    assert found["claude-9-opus"].score > found["claude-3-opus"].score


def test_the_price_stands_for_a_size_that_is_not_known() -> None:
    facts = {"dear": ModelFacts(("model-a",), 10.0), "cheap": ModelFacts(("model-b",), 0.1)}
    found = estimate_priors(facts, [])
    assert found["dear"].score > found["cheap"].score
    assert "price of $10" in found["dear"].source


def test_models_without_any_hint_are_all_the_same_and_most_uncertain() -> None:
    ids = ["model-a", "550e8400-e29b-41d4-a716-446655440000", "模型", "💥"]
    found = guess(*ids, "llama-3.1-8b-instruct")
    assert len({found[i].score for i in ids}) == 1
    assert found["模型"].source == "the mean of the other models"
    deviations = [
        a.deviation for a in estimate_abilities([ModelFacts((i,)) for i in (*ids, "llama-3-8b")])
    ]
    assert deviations[0] > deviations[-1]


def test_a_model_without_a_hint_is_as_good_as_the_known_ones() -> None:
    known = {"qwen2.5-7b-instruct": 0.6, "llama-3.1-8b-instruct": 0.6}
    found = guess("model-a", "qwen2.5-7b-instruct-new", known=known)
    assert found["model-a"].score == pytest.approx(0.6, abs=0.05)


def test_a_guess_is_on_the_scale_of_the_known_models_for_the_query() -> None:
    known = ["llama-3.1-8b-instruct", "gpt-4o-mini", "gemma-2-9b-it"]
    easy = guess("qwen2.5-7b-instruct", known=dict.fromkeys(known, 0.95))
    hard = guess("qwen2.5-7b-instruct", known=dict.fromkeys(known, 0.1))
    assert easy["qwen2.5-7b-instruct"].score > 0.85
    assert hard["qwen2.5-7b-instruct"].score < 0.2


def test_more_known_models_make_a_guess_more_certain() -> None:
    new = "qwen2.5-7b-instruct"
    none = guess(new)[new].deviation
    known = {f"llama-3.1-8b-instruct-{n}": 0.5 for n in range(20)}
    some = guess(new, known=known)[new].deviation
    assert some < none / 2


def test_scores_are_probabilities_whatever_is_known() -> None:
    for score in (0.0, 1.0):
        found = guess("gpt-5", "llama-7b", known={"gpt-4o": score, "mistral-7b": 1 - score})
        for each in found.values():
            assert 0 < each.score < 1
            assert math.isfinite(each.deviation)


def test_the_more_telling_of_two_names_counts() -> None:
    facts = {"a": ModelFacts(("deepseek/deepseek-chat", "DeepSeek-V3"))}
    assert estimate_priors(facts, [])["a"].source == (
        "671B parameters, 37B active, released 2024-12"
    )


def test_a_thousand_models_take_little_time() -> None:
    facts = {
        f"acme-{n}-{n % 90 + 1}b": ModelFacts((f"acme-{n}-{n % 90 + 1}b",)) for n in range(1000)
    }
    known = [(ModelFacts((f"llama-3.1-8b-v{n}",)), 0.5) for n in range(55)]
    estimate_priors(facts, known)
    started_s = time.perf_counter()
    assert len(estimate_priors(facts, known)) == 1000
    assert time.perf_counter() - started_s < 1
