"""What each dialect sends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from services.router.pool.backend import CONTINUING_BACKENDS, Backend
from services.router.types.conversation import Message, Role
from tests.wire.attempt import QUESTION, attempt, pool_model
from tests.wire.playback import Playback, Response, playing

if TYPE_CHECKING:
    from pathlib import Path

CHAT = (
    Message(role=Role.SYSTEM, content="Be brief."),
    Message(role=Role.USER, content="Hello."),
    Message(role=Role.ASSISTANT, content="Hi."),
    *QUESTION,
)
CONTINUING = {"continue_final_message": True, "add_generation_prompt": False}


async def sent(
    backend: str, *, partial: str = "", messages: tuple[Message, ...] = CHAT, **settings: Any
) -> Playback:
    async with playing(Response(body=b"")) as playback:
        model = pool_model(f"{playback.url}/base/", backend, **settings)
        await attempt(model, partial=partial, messages=messages)
    return playback


@pytest.mark.parametrize(
    ("backend", "extra"),
    [
        ("openai", {}),
        ("vllm", {}),
        ("sglang", {}),
        ("tgi", {}),
        ("llama.cpp", {"cache_prompt": True}),
        ("openrouter", {"usage": {"include": True}}),
    ],
)
async def test_chat_completions_are_asked_for(backend: str, extra: dict[str, Any]) -> None:
    playback = await sent(backend, backend_model="org/spider:nitro", temperature=0.5)
    assert playback.path == "/base/chat/completions"
    assert playback.payload == {
        "model": "org/spider:nitro",
        "messages": [{"role": m.role.value, "content": m.content} for m in CHAT],
        "max_tokens": 256,
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.5,
        **extra,
    }


@pytest.mark.parametrize(
    ("backend", "extra"),
    [
        ("vllm", CONTINUING),
        ("sglang", CONTINUING),
        ("llama.cpp", {**CONTINUING, "chat_template_kwargs": {"enable_thinking": False}}),
    ],
)
async def test_the_start_of_an_answer_is_gone_on_with(backend: str, extra: dict[str, Any]) -> None:
    payload = (await sent(backend, partial="A spider has")).payload
    assert payload["messages"][-1] == {"role": "assistant", "content": "A spider has"}
    assert {name: payload[name] for name in extra} == extra
    assert 64 <= payload["max_tokens"] < 256  # what is written already is used up


@pytest.mark.parametrize("backend", list(Backend))
async def test_tenants_are_kept_apart_in_the_cache_of_vllm_and_others_are_told_nothing(
    backend: Backend,
) -> None:
    async with playing(Response(body=b"")) as playback:
        model = pool_model(f"{playback.url}/base/", backend.value)
        await attempt(model, cache_salt="of-a-tenant")
    expected = "of-a-tenant" if backend is Backend.VLLM else None
    assert playback.payload.get("cache_salt") == expected
    assert backend is Backend.VLLM or "of-a-tenant" not in str(playback.payload)


def test_only_these_can_go_on() -> None:
    assert {
        Backend.VLLM,
        Backend.SGLANG,
        Backend.LLAMA_CPP,
        Backend.TGI_NATIVE,
    } == CONTINUING_BACKENDS


async def test_ollama_is_told_the_context_window() -> None:
    playback = await sent("ollama", temperature=0)
    assert playback.path == "/base/api/chat"
    assert playback.payload["options"] == {"num_ctx": 4096, "num_predict": 256, "temperature": 0}
    assert playback.payload["truncate"] is False


@pytest.mark.parametrize(
    ("temperature", "sampling"),
    [
        (None, {"do_sample": False}),
        (0, {"do_sample": False}),
        (0.7, {"do_sample": True, "temperature": 0.7}),
    ],
)
async def test_tgis_own_api_gets_a_transcript(
    temperature: float | None, sampling: dict[str, Any]
) -> None:
    playback = await sent("tgi-native", temperature=temperature)
    assert playback.path == "/base/generate_stream"
    assert playback.payload == {
        "inputs": "Be brief.\n\nUser: Hello.\n\nAssistant: Hi.\n\n"
        "User: How many legs has a spider?\n\nAssistant:",
        "parameters": {
            "max_new_tokens": 256,
            "details": True,
            "return_full_text": False,
            "stop": ["\n\nUser:"],
            **sampling,
        },
    }


async def test_tgis_own_api_goes_on_from_the_start_of_an_answer() -> None:
    playback = await sent("tgi-native", partial="A spider", messages=QUESTION)
    assert playback.payload["inputs"].endswith("spider?\n\nAssistant: A spider")


async def test_openrouter_is_told_who_calls() -> None:
    attribution = {"url": "https://example.org/", "title": "Spiders"}
    playback = await sent("openrouter", attribution=attribution)
    assert playback.headers["HTTP-Referer"] == "https://example.org/"
    assert playback.headers["X-Title"] == "Spiders"


@pytest.mark.parametrize("backend", list(Backend))
async def test_the_key_is_sent_and_a_rotated_one_is_picked_up(
    backend: Backend, tmp_path: Path
) -> None:
    key_file = tmp_path / "key"
    key_file.write_text("first\n")
    async with playing(Response(body=b"")) as playback:
        model = pool_model(playback.url, backend, api_key_file=key_file)
        await attempt(model)
        assert playback.headers["Authorization"] == "Bearer first"
        key_file.write_text("second\n")
        await attempt(model)
    assert playback.headers["Authorization"] == "Bearer second"
