"""Names of models, read from all the spellings that people have."""

from __future__ import annotations

import pytest

from services.router.model_priors.model_name import MAX_CHARACTERS, read_model_name


@pytest.mark.parametrize(
    "text",
    [
        "Meta-Llama-3.1-8B-Instruct",
        "meta-llama/Llama-3.1-8B-Instruct",
        "meta-llama/llama-3.1-8b-instruct:free",
        "llama3.1:8b-instruct-q4_K_M",
        "llama3.1:8b",
        "Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf",
        "/models/Llama-3.1-8B-Instruct-GGUF/llama-3.1-8b-instruct.Q8_0.gguf",
        "hugging-quants/Meta-Llama-3.1-8B-Instruct-AWQ-INT4",
        "meta.llama3-1-8b-instruct-v1:0",
        "us.meta.llama3-1-8b-instruct-v1:0",
        "accounts/fireworks/models/llama-v3p1-8b-instruct",
        "@cf/meta/llama-3.1-8b-instruct",
        "llama_3.1_8b_instruct",
        "ｌｌａｍａ-3.1-8B-instruct",
    ],
)
def test_every_spelling_of_a_model_is_the_same_model(text: str) -> None:
    expected = read_model_name("llama-3.1-8b-instruct")
    assert read_model_name(text).identity == expected.identity


@pytest.mark.parametrize(
    "text",
    [
        "Meta-Llama-3.1-70B-Instruct",
        "Meta-Llama-3-8B-Instruct",
        "Meta-Llama-3.1-8B",
        "Llama-3.2-8B-Instruct",
        "FuseChat-Llama-3.1-8B-Instruct",
        "llama-3.1-8b-instruct-abliterated",
        "ft:llama-3.1-8b-instruct:acme",
        "llama-guard-3-8b",
        "llama3.1:8b-text-q4_0",
        "llama3.1",
    ],
)
def test_another_size_version_format_or_fine_tune_is_another_model(text: str) -> None:
    expected = read_model_name("llama-3.1-8b-instruct")
    assert read_model_name(text).identity != expected.identity


@pytest.mark.parametrize(
    ("text", "size_b", "expert_count", "active_b"),
    [
        ("gemma-3-270m", 0.27, 1, None),
        ("Qwen3-30B-A3B", 30.0, 1, 3.0),
        ("Mixtral-8x7B-Instruct-v0.1", 7.0, 8, None),
        ("gemma-3n-e4b-it", 4.0, 1, None),
        ("SmolLM2-1.7B", 1.7, 1, None),
        ("gpt-4o-mini", None, 1, None),
    ],
)
def test_sizes_are_read(
    text: str, size_b: float | None, expert_count: int, active_b: float | None
) -> None:
    name = read_model_name(text)
    assert (name.size_b, name.expert_count, name.active_b) == (size_b, expert_count, active_b)


@pytest.mark.parametrize(
    ("text", "month"),
    [
        ("gpt-4o-mini-2024-07-18", "2024-07"),
        ("claude-3-5-sonnet-20241022", "2024-10"),
        ("claude-3-5-sonnet-v2@20241022", "2024-10"),
        ("mistral-large-2407", "2024-07"),
        ("command-r-08-2024", "2024-08"),
        ("gpt-4-0613", ""),
        ("llama-3-8b-2048k", ""),
    ],
)
def test_the_month_of_a_date_is_read(text: str, month: str) -> None:
    assert read_model_name(text).month == month


@pytest.mark.parametrize("text", ["model-Q4_K_M.gguf", "m-awq", "m-gptq-int4", "m-fp8", "m-8bit"])
def test_quantized_weights_are_marked(text: str) -> None:
    assert read_model_name(text).is_quantized


@pytest.mark.parametrize(
    "text", ["", "/", "::", "550e8400-e29b-41d4-a716-446655440000", "💥", "-" * 4000, "q4_k_m"]
)
def test_a_name_without_a_word_says_nothing(text: str) -> None:
    name = read_model_name(text)
    assert name.size_b is None
    assert not name.month


def test_names_in_other_scripts_keep_their_words() -> None:
    assert read_model_name("通义千问-7B").words == ("通义千问",)
    assert read_model_name("Гигачат-20b").words == ("гигачат",)


def test_a_very_long_name_is_read_from_its_end() -> None:
    text = "x/" * MAX_CHARACTERS * 100 + "llama-3.1-8b-instruct"
    assert read_model_name(text).identity == read_model_name("llama-3.1-8b-instruct").identity
