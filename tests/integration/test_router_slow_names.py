"""Names whose lookup hangs, in a router whose `getaddrinfo` is replaced."""

from __future__ import annotations

import asyncio
import shutil
import time
from typing import TYPE_CHECKING

import grpc.aio
import pytest
import yaml

from routemoa.v1 import model_pb2, router_service_pb2, router_service_pb2_grpc
from tests.integration.service_process import logged, started
from tests.wire.playback import Response, playing
from tests.wire.test_faults import WHOLE

if TYPE_CHECKING:
    from pathlib import Path

SLOW = 8
LOOKUP_S = 30
"""Time that each slow name takes; far more than any other call of this test."""
RESOLVER = f"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **found) {{
    int (*usual)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    if (name && !strncmp(name, "slow", 4)) {{
        sleep({LOOKUP_S});
        return EAI_AGAIN;
    }}
    usual = dlsym(RTLD_NEXT, "getaddrinfo");
    return usual(name, service, hints, found);
}}
"""


async def slow_resolver(folder: Path) -> Path:
    """Compiles a library to preload, in which names that begin with `slow` hang."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    (folder / "resolver.c").write_text(RESOLVER)
    library = folder / "resolver.so"
    process = await asyncio.create_subprocess_exec(
        *(compiler, "-shared", "-fPIC", "-o", str(library), str(folder / "resolver.c"), "-ldl")
    )
    assert await process.wait() == 0
    return library


def write_pool(folder: Path, url: str) -> Path:
    urls = {f"slow{number}": f"http://slow{number}.invalid/v1" for number in range(SLOW)}
    shared = {
        "prompt_price_usd_per_million_tokens": 1,
        "completion_price_usd_per_million_tokens": 1,
        "context_window_tokens": 32768,
    }
    models = [{"id": name, "url": at, **shared} for name, at in {**urls, "good": url}.items()]
    path = folder / "pool.yaml"
    path.write_text(yaml.safe_dump({"models": models}))
    return path


async def test_names_whose_lookup_hangs_leave_other_models_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LD_PRELOAD", str(await slow_resolver(tmp_path)))
    async with playing(Response(body=WHOLE)) as backend:
        pool = write_pool(tmp_path, f"{backend.url}/v1")
        async with started("router", POOL_FILE=str(pool)) as router:
            address = str((await logged(router, "listening"))["address"])
            async with grpc.aio.insecure_channel(address) as channel:
                stub = router_service_pb2_grpc.RouterServiceStub(channel)

                async def ask(model_id: str) -> str:
                    question = model_pb2.Message(role=model_pb2.ROLE_USER, content="Legs?")
                    policy = router_service_pb2.RoutingPolicy(
                        model_ids=[model_id], strategy="single"
                    )
                    request = router_service_pb2.GenerateAnswerRequest(
                        messages=[question], policy=policy
                    )
                    answer = await stub.GenerateAnswer(request, timeout=LOOKUP_S)
                    return answer.answer.text

                asked = [asyncio.create_task(ask(f"slow{number}")) for number in range(SLOW)]
                await asyncio.sleep(0.5)
                started_s = time.monotonic()
                assert await ask("good") == "Eight."
                assert time.monotonic() - started_s < LOOKUP_S / 2
                for task in asked:
                    task.cancel()
                await asyncio.gather(*asked, return_exceptions=True)
