"""The scorer's models among a pool's: a wrong match is worse than none."""

from __future__ import annotations

import json
import time

import pytest

from scorer import default_artifact_path
from services.router.model_priors.matching import Match, ScorerModels

SCORER = ScorerModels(
    json.loads((default_artifact_path() / "manifest.json").read_text())["model_ids"]
)


@pytest.mark.parametrize(
    ("names", "scorer_id"),
    [
        (("gpt-4o-mini-2024-07-18",), "gpt-4o-mini-2024-07-18"),
        (("openai/gpt-4o-mini",), "gpt-4o-mini-2024-07-18"),
        (("gpt-4o-mini",), "gpt-4o-mini-2024-07-18"),
        (("gpt-35-turbo",), "gpt-3.5-turbo-0125"),
        (("fast", "openai/gpt-4o-mini"), "gpt-4o-mini-2024-07-18"),
        (("Qwen2-72B", "qwen/qwen-2-72b-instruct"), "Qwen2-72B-Instruct"),
        (("meta-llama/Llama-3.1-70B-Instruct",), "Meta-Llama-3.1-70B-Instruct"),
        (("mistralai/mixtral-8x7b-instruct-v0.1",), "Mixtral-8x7B-Instruct-v0.1"),
        (("mistral.mistral-7b-instruct-v0:2",), "Mistral-7B-Instruct-v0.2"),
        (("models/gemini-1.5-flash",), "gemini-1.5-flash"),
        (("models/gemini-1.5-flash-002",), "gemini-1.5-flash-002"),
        (("anthropic.claude-3-haiku-20240307-v1:0",), "claude-3-haiku-20240307"),
        (("us.anthropic.claude-3-5-sonnet-20241022-v2:0",), "claude-3-5-sonnet-20241022"),
        (("anthropic/claude-3.5-haiku:beta",), "claude-3-5-haiku-20241022"),
        (("gemma2:9b",), "gemma-2-9b-it"),
        (("deepseek-v2.5",), "deepseek-v2.5-0908"),
    ],
)
def test_a_model_is_found_under_another_spelling(names: tuple[str, ...], scorer_id: str) -> None:
    assert SCORER.find(names) == Match(scorer_ids=(scorer_id,), is_same=True)


@pytest.mark.parametrize(
    "names",
    [
        ("llama-3.1-8b-chat-acme",),
        ("ft:gpt-4o-mini-2024-07-18:acme::1",),
        ("gpt-4o-mini-audio-preview",),
        ("Qwen2.5-72B-Instruct",),
        ("Qwen2-72B",),
        ("gemma-2-9b",),
        ("Llama-2-7b-chat-hf",),
        ("claude-3-7-sonnet-20250219",),
        ("gemini-1.5-flash-8b",),
        ("Phi-3-mini-128k-instruct",),
        ("o1-2024-12-17",),
        ("mini",),
        ("",),
        ("550e8400-e29b-41d4-a716-446655440000",),
        ("我的模型",),
    ],
)
def test_another_model_is_no_match(names: tuple[str, ...]) -> None:
    assert SCORER.find(names) is None


def test_names_that_contradict_are_no_match() -> None:
    assert SCORER.find(("llama-3.1-70b-instruct", "meta-llama/Llama-3.1-8B-Instruct")) is None


def test_an_id_of_the_scorers_counts_whatever_the_backend_calls_the_model() -> None:
    found = SCORER.find(("Qwen2-72B-Instruct", "meta-llama/Llama-3.1-8B-Instruct"))
    assert found == Match(scorer_ids=("Qwen2-72B-Instruct",), is_same=True)


@pytest.mark.parametrize("name", ["gpt-4o", "gpt-4o-2024-11-20", "chat/gpt-4o:latest"])
def test_other_releases_of_the_same_model_are_near(name: str) -> None:
    found = SCORER.find((name,))
    assert found == Match(scorer_ids=("gpt-4o-2024-05-13", "gpt-4o-2024-08-06"), is_same=False)


def test_quantized_weights_match_and_are_marked() -> None:
    ids = ("Meta-Llama-3.1-8B-Instruct",)
    found = ScorerModels(ids).find(("llama3.1:8b-instruct-q4_K_M",))
    assert found == Match(scorer_ids=ids, is_same=True, is_quantized=True)


def test_a_scorer_with_two_spellings_of_a_model_is_no_exact_match() -> None:
    scorer = ScorerModels(["llama-3.1-8b-instruct", "Meta-Llama-3.1-8B-Instruct"])
    found = scorer.find(("llama3.1:8b",))
    assert found is not None
    assert not found.is_same
    assert scorer.find(("llama-3.1-8b-instruct",)) == Match(
        scorer_ids=("llama-3.1-8b-instruct",), is_same=True
    )


def test_a_thousand_models_are_looked_up_in_a_moment() -> None:
    names = [(f"acme/model-{n}-{n % 90 + 1}b-instruct",) for n in range(1000)]
    started_s = time.perf_counter()
    assert [SCORER.find(each) for each in names] == [None] * 1000
    assert time.perf_counter() - started_s < 5
