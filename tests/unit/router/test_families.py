"""Families guessed from names, and the settings that override them."""

from __future__ import annotations

import pytest

from services.router.pool.backend import Backend
from services.router.pool.families import PRESETS, Family, guess_family
from services.router.pool.request_shape import SystemRole, TokenLimitField
from tests.wire.attempt import pool_model


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("google/gemma-2-9b-it", Family.GEMMA),
        ("gemma2:9b", Family.GEMMA),
        ("unsloth/Gemma-3-4b-it-GGUF", Family.GEMMA),
        ("mistralai/Mistral-7B-Instruct-v0.2", Family.MISTRAL),
        ("mixtral:8x7b", Family.MISTRAL),
        ("mistralai/Ministral-8B-Instruct-2410", Family.MISTRAL),
        ("mistral-small-latest", Family.OTHER),
        ("mistralai/Magistral-Small-2506", Family.OTHER),
        ("deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", Family.DEEPSEEK_R1),
        ("deepseek-ai/DeepSeek-R1-0528", Family.OTHER),
        ("deepseek-ai/DeepSeek-V3", Family.OTHER),
        ("Qwen/QwQ-32B", Family.QWEN_THINKING),
        ("Qwen/Qwen3-4B-Thinking-2507", Family.QWEN_THINKING),
        ("Qwen/Qwen3-4B-Instruct-2507", Family.OTHER),
        ("meta-llama/Llama-3.1-8B-Instruct", Family.OTHER),
        ("gpt-5", Family.OTHER),  # no server but OpenAI's has it
        ("", Family.OTHER),
    ],
)
def test_a_served_model_is_known_by_its_name(name: str, family: Family) -> None:
    assert guess_family([name], Backend.VLLM) is family


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("o1", Family.OPENAI_REASONING),
        ("o3-mini", Family.OPENAI_REASONING),
        ("o4-mini-2025-04-16", Family.OPENAI_REASONING),
        ("gpt-5", Family.OPENAI_REASONING),
        ("gpt-5.1-mini", Family.OPENAI_REASONING),
        ("openai/gpt-5-nano", Family.OPENAI_REASONING),
        ("ft:o4-mini-2025-04-16:us::x", Family.OPENAI_REASONING),
        ("o1-mini-2024-09-12", Family.OPENAI_O1_MINI),
        ("gpt-4o", Family.OTHER),
        ("gpt-oss-20b", Family.OTHER),
        ("marco-o1", Family.OTHER),
        ("gpt-50x", Family.OTHER),
        ("deepseek-r1", Family.OTHER),  # APIs separate its reasoning
        ("gemma-3-27b-it", Family.GEMMA),
    ],
)
def test_a_model_behind_an_api_is_known_by_its_name(name: str, family: Family) -> None:
    assert guess_family([name], Backend.OPENAI) is family


def test_mistrals_own_api_is_known_by_its_host() -> None:
    model = pool_model("https://api.mistral.ai/v1", id="mistral-small-latest")
    assert not model.shape.stream_options
    assert model.shape.system_role is SystemRole.SYSTEM


@pytest.mark.parametrize("name", ["gpt-4o", "o3", "o1-mini"])
def test_openais_own_api_takes_messages_of_any_role_in_any_order(name: str) -> None:
    assert not pool_model("https://api.openai.com/v1", id=name).shape.alternate_roles
    assert pool_model("https://a/v1", id=name).shape.alternate_roles
    own = pool_model("https://api.openai.com/v1", id=name, request={"alternate_roles": True})
    assert own.shape.alternate_roles


def test_every_family_has_a_preset() -> None:
    assert PRESETS.keys() == set(Family)


@pytest.mark.parametrize(
    ("name", "model_id", "role"),
    [
        ("google/gemma-2-2b-it", "small", SystemRole.USER),
        ("tgi", "gemma-2-2b-it", SystemRole.USER),  # a server that ignores the name
        ("mistral-small-latest", "mistral-7b-instruct", SystemRole.SYSTEM),
    ],
)
def test_the_name_at_the_backend_counts_before_the_id(
    name: str, model_id: str, role: SystemRole
) -> None:
    model = pool_model("http://a/v1", id=model_id, backend_model=name)
    assert model.shape.system_role is role


def test_what_the_file_says_wins_over_the_family() -> None:
    guessed = pool_model("http://a/v1", id="o3", request={"fixed_temperature": False})
    assert not guessed.shape.fixed_temperature
    assert guessed.shape.token_limit_field is TokenLimitField.MAX_COMPLETION_TOKENS
    said = pool_model("http://a/v1", id="gemma-2-2b-it", family="other")
    assert said.shape.system_role is SystemRole.SYSTEM
    elsewhere = pool_model("http://a/v1", id="gemma", request={"extra_body": {"top_k": 5}})
    assert elsewhere.shape.system_role is SystemRole.USER
    assert elsewhere.shape.extra_body == {"top_k": 5}


def test_reasoning_that_a_template_opens_is_known_by_the_family_or_from_the_file() -> None:
    r1 = "deepseek-ai/DeepSeek-R1-Distill-Llama-8B"
    assert pool_model("http://a/v1", "vllm", id=r1).reply_starts_in_reasoning
    assert not pool_model("http://a/v1", "openrouter", id=r1).reply_starts_in_reasoning
    off = pool_model("http://a/v1", "vllm", id=r1, starts_in_reasoning=False)
    assert not off.reply_starts_in_reasoning
    assert pool_model("http://a/v1", id="m", starts_in_reasoning=True).reply_starts_in_reasoning
