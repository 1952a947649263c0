"""What `python -m services.router.check` finds at real servers on loopback."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest

from services.router.check.probe import check_pool
from services.router.pool.pool import Pool
from tests.wire.attempt import pool_model
from tests.wire.playback import Playback, Response, playing
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
        "the test call ended as REJECTED with HTTP status 404",
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


def replicated(model_id: str, endpoints: object) -> PoolModel:
    return pool_model(None, "vllm", id=model_id, backend_model="spider-model", endpoints=endpoints)
