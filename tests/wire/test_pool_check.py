"""What `python -m services.router.check` finds at real servers on loopback."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from services.router.check.probe import check_pool
from services.router.pool.pool import Pool
from tests.wire.attempt import pool_model
from tests.wire.playback import Playback, Response, playing
from tests.wire.refusing_backend import refusing
from tests.wire.transcript import FOLDER, load

if TYPE_CHECKING:
    from pathlib import Path

    from services.router.check.report import EndpointReport
    from services.router.pool.model import PoolModel

JSON = {"Content-Type": "application/json"}
OPENROUTER_PRICING = {"prompt": "0.000001", "completion": "0.000002"}
LISTINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "openai": ("/models", {"data": [{"id": "spider-model"}]}),
    "vllm": ("/models", {"data": [{"id": "spider-model", "max_model_len": 4096}]}),
    "sglang": ("/models", {"data": [{"id": "spider-model", "max_model_len": 4096}]}),
    "tgi": ("/info", {"model_id": "org/spider", "max_total_tokens": 4096}),
    "tgi-native": ("/info", {"model_id": "org/spider", "max_total_tokens": 4096}),
    "llama.cpp": ("/props", {"default_generation_settings": {"n_ctx": 4096}}),
    "ollama": ("/api/tags", {"models": [{"name": "spider-model:latest"}]}),
    "openrouter": (
        "/models",
        {"data": [{"id": "spider-model", "context_length": 4096, "pricing": OPENROUTER_PRICING}]},
    ),
}


def listing(backend: str, value: object | None = None) -> dict[str, Response]:
    path, usual = LISTINGS[backend]
    body = json.dumps(usual if value is None else value).encode()
    return {path: Response(body=body, headers=JSON)}


def plain(backend: str) -> Response:
    transcript = load(FOLDER / backend / "plain.txt")
    return Response(body=transcript.body, headers=transcript.head.headers)


async def checked(playback: Playback, backend: str, **settings: Any) -> EndpointReport:
    pool = Pool(models=(pool_model(playback.url, backend, **settings),))
    (report,) = await check_pool(pool, timeout_s=5)
    return report


@pytest.mark.parametrize("backend", list(LISTINGS))
async def test_an_endpoint_that_is_as_the_pool_says_has_no_problems(backend: str) -> None:
    async with playing(plain(backend), at=listing(backend)) as playback:
        report = await checked(playback, backend)
    assert report.problems == ()
    assert (report.status, report.model_known, report.key) == ("OK", True, "none")
    assert report.priced
    assert report.latency_s is not None
    if backend not in {"openai", "ollama"}:
        assert report.served_context_window_tokens == 4096


@pytest.mark.parametrize("backend", ["vllm", "tgi", "llama.cpp", "openrouter"])
async def test_a_smaller_context_window_is_told(backend: str) -> None:
    async with playing(plain(backend), at=listing(backend)) as playback:
        report = await checked(playback, backend, context_window_tokens=8192)
    assert report.problems == ("context_window_tokens is 8192, but the server's is 4096",)


async def test_a_model_that_is_not_served_is_told_with_those_that_are() -> None:
    unknown = load(FOLDER / "vllm/unknown-model.txt")
    refused = Response(body=unknown.body, http_status=404, headers=JSON)
    async with playing(refused, at=listing("vllm", {"data": [{"id": "fly"}]})) as playback:
        report = await checked(playback, "vllm")
    assert report.model_known is False
    assert report.problems == (
        "the test call ended as REJECTED: 404: The model `spider-model` does not exist.",
        "does not serve spider-model; it serves fly",
    )


@pytest.mark.parametrize(
    ("has_key", "key", "problem"),
    [(True, "refused", "refuses the key"), (False, "refused", "requires a key, but the pool file")],
)
async def test_a_key_that_is_refused_is_told(
    tmp_path: Path, has_key: bool, key: str, problem: str
) -> None:
    (tmp_path / "key").write_text("s3cret")
    settings = {"api_key_file": tmp_path / "key"} if has_key else {}
    refused = Response(body=b"{}", http_status=401, headers=JSON)
    async with playing(refused) as playback:
        report = await checked(playback, "openai", **settings)
    assert report.key == key
    assert len(report.problems) == 1
    assert report.problems[0].startswith(problem)
    assert "s3cret" not in json.dumps(report.as_dict())


@pytest.mark.parametrize(
    ("http_status", "body", "problem"),
    [
        (400, b'{"error":{"message":"no such\\nparameter"}}', "REJECTED: 400: no such parameter"),
        (200, b'data: {"error":"out of memory"}\n\n', "BACKEND_ERROR: out of memory"),
        (503, b"", "BACKEND_ERROR: 503"),
    ],
)
async def test_the_words_of_a_backend_that_fails_are_reported(
    http_status: int, body: bytes, problem: str
) -> None:
    async with playing(Response(body=body, http_status=http_status)) as playback:
        report = await checked(playback, "openai")
    assert report.problems[0] == f"the test call ended as {problem}"


async def test_ill_formed_names_of_models_are_reported_as_well_formed_text() -> None:
    listed = {"data": [{"id": "m\ud83d"}]}
    async with playing(plain("openai"), at=listing("openai", listed)) as playback:
        report = await checked(playback, "openai")
    assert report.problems == ("does not serve spider-model; it serves m\ufffd",)


async def test_other_prices_of_cached_tokens_are_told_if_the_pool_has_them() -> None:
    pricing = {
        **OPENROUTER_PRICING,
        "input_cache_read": "0.0000001",
        "input_cache_write": "0.00000125",
    }
    listed = {"data": [{"id": "spider-model", "context_length": 4096, "pricing": pricing}]}
    async with playing(plain("openrouter"), at=listing("openrouter", listed)) as playback:
        report = await checked(playback, "openrouter")
        assert report.problems == ()
        report = await checked(
            playback,
            "openrouter",
            cached_prompt_price_usd_per_million_tokens=0.25,
            cache_written_prompt_price_usd_per_million_tokens=1.25,
        )
    assert report.problems == (
        "cached_prompt_price_usd_per_million_tokens is 0.25, but the server's is 0.1",
    )


async def test_other_prices_than_openrouters_are_told() -> None:
    async with playing(plain("openrouter"), at=listing("openrouter")) as playback:
        report = await checked(playback, "openrouter", completion_price_usd_per_million_tokens=1.5)
    assert report.problems == (
        "completion_price_usd_per_million_tokens is 1.5, but the server's is 2",
    )


@pytest.mark.parametrize("listed", [{}, [], {"data": 3}, {"data": [7, {"id": 3}]}, "nothing"])
async def test_a_server_without_a_usable_list_may_still_answer(listed: object) -> None:
    async with playing(plain("openai"), at=listing("openai", listed)) as playback:
        report = await checked(playback, "openai")
    assert report.status == "OK"


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b'{"data":[]}' + b" " * (1 << 24), JSON),
        (b'{"data":[]}', JSON | {"Content-Encoding": "gzip"}),
        (b"[" * 100_000, JSON),
    ],
    ids=["long", "compressed", "deep"],
)
async def test_a_list_that_no_server_should_send_is_left_unread(
    body: bytes, headers: dict[str, str]
) -> None:
    listed = {"/models": Response(body=body, headers=headers)}
    async with playing(plain("openai"), at=listed) as playback:
        report = await checked(playback, "openai")
    assert report.model_known is None
    assert report.problems == ()


async def test_every_endpoint_is_checked_and_every_problem_told_at_once() -> None:
    silent = Response(body=b": still here\n\n", repeat=True, pause_s=0.01)
    overloaded = Response(body=b"{}", http_status=429, headers=JSON)
    async with AsyncExitStack() as stack:
        servers = [
            await stack.enter_async_context(playing(response))
            for response in (plain("openai"), silent, overloaded)
        ]
        models = [pool_model(s.url, id=f"model-{n}") for n, s in enumerate(servers)]
        models.append(pool_model("http://127.0.0.1:1", id="gone"))
        reports = await check_pool(Pool(models=tuple(models)), timeout_s=0.5)
    assert [report.status for report in reports] == ["OK", "TIMEOUT", "RATE_LIMITED", "UNREACHABLE"]
    assert [len(report.problems) for report in reports] == [0, 1, 1, 1]


async def test_every_replica_is_checked_wherever_the_pool_says_it_is() -> None:
    async with playing(plain("vllm"), at=listing("vllm")) as playback:
        port = int(playback.url.rsplit(":", 1)[1])
        slices = {"namespace": "models", "service": "spider", "port": 8000}
        models = [
            replicated("listed", [playback.url, "http://127.0.0.1:1"]),
            replicated("named", {"dns": {"name": "127.0.0.1", "port": port, "path": ""}}),
            replicated("nameless", {"dns": {"name": "spider.invalid", "port": port}}),
            replicated("in-cluster", {"endpoint_slices": slices}),
        ]
        reports = await check_pool(Pool(models=tuple(models)), timeout_s=5)
    assert [(report.model_id, report.status, len(report.problems)) for report in reports] == [
        ("listed", "OK", 0),
        ("listed", "UNREACHABLE", 1),
        ("named", "OK", 0),
        ("nameless", "UNREACHABLE", 1),
        ("in-cluster", "NOT_CHECKED", 0),
    ]
    assert reports[-1].url == "endpoint slices of models/spider"


NO_SYSTEM, NO_ALTERNATION = "system role not supported", "roles must alternate"
NO_MAX_TOKENS = "unsupported parameter: max_tokens"
NO_LIMIT = "unsupported parameter: max_completion_tokens"
FIXED, NO_OPTIONS = "temperature must be 1", "extra input: stream_options"


@pytest.mark.parametrize("http_status", [400, 422, 500])
@pytest.mark.parametrize(
    ("refusals", "changes"),
    [
        ([NO_SYSTEM], {"system_role": "user"}),
        ([NO_SYSTEM, NO_ALTERNATION], {"system_role": "user"}),
        ([NO_MAX_TOKENS], {"token_limit_field": "max_completion_tokens"}),
        ([NO_MAX_TOKENS, NO_LIMIT], {"token_limit_field": "none"}),
        ([FIXED], {"fixed_temperature": True}),
        ([NO_OPTIONS], {"stream_options": False}),
        (
            [NO_MAX_TOKENS, FIXED, NO_SYSTEM],
            {
                "token_limit_field": "max_completion_tokens",
                "fixed_temperature": True,
                "system_role": "user",
            },
        ),
    ],
)
async def test_the_lines_are_proposed_with_which_a_refusing_backend_answers(
    refusals: list[str], changes: dict[str, Any], http_status: int
) -> None:
    async with refusing(*refusals, http_status=http_status) as backend:
        model = pool_model(backend.url)
        (report,) = await check_pool(Pool(models=(model,)), timeout_s=5)
        assert len(backend.refused) + len(backend.answered) <= 8
        assert report.proposal == {"request": changes}
        (line,) = (p for p in report.problems if p.startswith("would answer with"))
        settings = yaml.safe_load(line.split("`")[1])
        mended = pool_model(backend.url, **settings)
        (report,) = await check_pool(Pool(models=(mended,)), timeout_s=5)
    assert report.problems == ()


async def test_nothing_is_proposed_where_nothing_helps() -> None:
    settings: dict[str, Any] = {"request": {"system_role": "none", "alternate_roles": False}}
    async with refusing(NO_SYSTEM, NO_ALTERNATION) as backend:
        (report,) = await check_pool(
            Pool(models=(pool_model(backend.url, **settings),)), timeout_s=5
        )
    assert report.status == "OK"
    refused = Response(body=b'{"error": "no"}', http_status=400, headers=JSON)
    async with playing(refused) as playback:
        report = await checked(playback, "openai")
    assert report.proposal == {}
    assert report.problems == ("the test call ended as REJECTED: 400: no",)


@pytest.mark.parametrize("http_status", [401, 404, 429, 503])
async def test_other_refusals_are_not_tried_again(http_status: int) -> None:
    async with refusing(NO_SYSTEM, http_status=http_status) as backend:
        (report,) = await check_pool(Pool(models=(pool_model(backend.url),)), timeout_s=5)
    assert len(backend.refused) == 1
    assert report.proposal == {}


@pytest.mark.parametrize("backend", ["openai", "vllm", "sglang", "tgi"])
async def test_reasoning_that_begins_without_a_tag_is_found(backend: str) -> None:
    async with refusing(text="Let me see.</think>OK.") as server:
        (report,) = await check_pool(Pool(models=(pool_model(server.url, backend),)), timeout_s=5)
        known = pool_model(server.url, backend, **report.proposal)
        (mended,) = await check_pool(Pool(models=(known,)), timeout_s=5)
    assert report.proposal == {"starts_in_reasoning": True}
    assert any("`starts_in_reasoning: true`" in problem for problem in report.problems)
    assert mended.problems == ()


def replicated(model_id: str, endpoints: object) -> PoolModel:
    return pool_model(None, "vllm", id=model_id, backend_model="spider-model", endpoints=endpoints)
