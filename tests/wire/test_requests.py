"""What each dialect sends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from services.router.pool.backend import CONTINUING_BACKENDS, Backend
from services.router.pool.request_shape import SystemRole
from services.router.types.ledger import CallStatus
from services.router.types.messages import Message, Role
from tests.wire.attempt import QUESTION, attempt, pool_model
from tests.wire.playback import Playback, Response, playing
from tests.wire.refusing_backend import refusing

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


GEMMA = {"family": "gemma"}
O_SERIES = {"family": "openai-reasoning"}
TWICE = (Message(role=Role.USER, content="I have a question."), *QUESTION)
GREETING = (Message(role=Role.ASSISTANT, content="Hello, how can I help?"), *QUESTION)


@pytest.mark.parametrize("http_status", [400, 422])
@pytest.mark.parametrize(
    ("refusals", "settings", "messages"),
    [
        (["system role not supported", "roles must alternate"], GEMMA, CHAT),
        (["system role not supported"], {"id": "google/gemma-2-2b-it"}, CHAT),
        (["system role not supported"], {"request": {"system_role": "none"}}, CHAT),
        (["system role not supported"], {"request": {"system_role": "developer"}}, CHAT),
        (["roles must alternate"], {}, TWICE),
        (["roles must alternate"], {}, GREETING),
        (["roles must alternate", "system role not supported"], GEMMA, (*CHAT[:1], *GREETING)),
        (["unsupported parameter: max_tokens", "temperature must be 1"], O_SERIES, CHAT),
        (
            ["unsupported parameter: max_tokens", "unsupported parameter: max_completion_tokens"],
            {"request": {"token_limit_field": "none"}},
            CHAT,
        ),
        (["extra input: stream_options"], {"request": {"stream_options": False}}, CHAT),
    ],
)
async def test_a_backend_that_refuses_the_usual_request_answers(
    refusals: list[str],
    settings: dict[str, Any],
    messages: tuple[Message, ...],
    http_status: int,
) -> None:
    async with refusing(*refusals, http_status=http_status) as backend:
        model = pool_model(backend.url, **settings)
        sampled = model.model_copy(update={"temperature": 0.7})  # as `self-moa` does
        for asked in (model, sampled) if model.shape.fixed_temperature else (model,):
            attempted = await attempt(asked, messages=messages)
            assert attempted.failure is None
            assert attempted.shown == "Eight."
        (*_, payload) = backend.answered
    sent = "\n\n".join(message["content"] for message in payload["messages"])
    dropped = model.shape.system_role is SystemRole.NONE
    assert all(m.content in sent for m in messages if not dropped or m.role is not Role.SYSTEM)


async def test_the_unusual_request_is_refused_without_its_settings() -> None:
    for refusal in ("system role not supported", "unsupported parameter: max_tokens"):
        async with refusing(refusal) as backend:
            attempted = await attempt(pool_model(backend.url, id="m"), messages=CHAT)
        assert attempted.failure is not None
        assert attempted.failure.status is CallStatus.REJECTED


async def test_a_request_has_the_fields_and_headers_of_the_pool_file() -> None:
    request = {
        "extra_body": {"top_k": 5, "chat_template_kwargs": {"enable_thinking": True, "tone": 1}},
        "extra_headers": {"X-Team": "spiders"},
    }
    playback = await sent("llama.cpp", partial="A spider", request=request)
    assert playback.headers["X-Team"] == "spiders"
    assert playback.payload["top_k"] == 5
    # The server refuses to think while it continues an answer: the router's value stays.
    assert playback.payload["chat_template_kwargs"] == {"enable_thinking": False, "tone": 1}


async def test_ollamas_options_and_tgis_parameters_can_be_added_to() -> None:
    request = {"extra_body": {"keep_alive": "10m", "options": {"num_ctx": 1, "top_k": 5}}}
    payload = (await sent("ollama", request=request)).payload
    assert payload["keep_alive"] == "10m"
    assert payload["options"] == {"num_ctx": 4096, "num_predict": 256, "top_k": 5}
    request = {"extra_body": {"parameters": {"top_p": 0.9}}}
    payload = (await sent("tgi-native", request=request)).payload
    assert payload["parameters"]["top_p"] == 0.9
    assert payload["parameters"]["max_new_tokens"] == 256


@pytest.mark.parametrize("backend", ["ollama", "tgi-native"])
async def test_a_fixed_temperature_is_sent_to_no_backend(backend: str) -> None:
    request = {"fixed_temperature": True}
    payload = (await sent(backend, temperature=1, request=request)).payload
    assert "temperature" not in payload.get("options", payload.get("parameters"))


async def test_a_transcript_has_no_system_text_of_its_own_where_it_is_the_users() -> None:
    playback = await sent("tgi-native", request={"system_role": "user"})
    assert playback.payload["inputs"].startswith("User: Be brief.\n\nHello.\n\nAssistant: Hi.")
