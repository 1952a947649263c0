"""Tenants do not learn of each other's queries by the scorer's cache, through a router or past it."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme
import yaml
from prometheus_client import REGISTRY

from routemoa.v1 import model_pb2, router_service_pb2
from routemoa.v1.scorer_service_pb2 import (
    BatchRankModelsRequest,
    RankModelsRequest,
    StreamRankModelsRequest,
)
from routemoa.v1.scorer_service_pb2_grpc import ScorerServiceStub
from services.rpc.channel import open_channel
from services.rpc.interceptors.call import CACHE_SALT_KEY
from services.rpc.tls import TlsFiles
from services.scorer.config import ScorerServiceConfig
from tests.conftest import LOOPBACK, scorer_service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scorer import Runtime
    from services.simulator import Call
    from tests.conftest import Serve
    from tests.integration.conftest import RouterBench, StartRouter

TENANTS = ("research", "support")
QUERY = "Which dose of methotrexate is safe with renal impairment?"
TIMEOUT_S = 60
Metadata = tuple[tuple[str, str], ...]
Ask = Callable[["ScorerServiceStub", Metadata], Awaitable[None]]


def misses() -> float:
    """Returns how many queries were not in the cache so far."""
    return (
        REGISTRY.get_sample_value("routemoa_scorer_cache_queries_total", {"outcome": "miss"}) or 0.0
    )


async def rank(scorer: ScorerServiceStub, metadata: Metadata) -> None:
    await scorer.RankModels(RankModelsRequest(query=QUERY), metadata=metadata, timeout=TIMEOUT_S)


async def rank_batch(scorer: ScorerServiceStub, metadata: Metadata) -> None:
    request = BatchRankModelsRequest(requests=[RankModelsRequest(query=QUERY)])
    await scorer.BatchRankModels(request, metadata=metadata, timeout=TIMEOUT_S)


async def rank_stream(scorer: ScorerServiceStub, metadata: Metadata) -> None:
    request = StreamRankModelsRequest(request=RankModelsRequest(query=QUERY))
    call = scorer.StreamRankModels(iter([request]), metadata=metadata, timeout=TIMEOUT_S)
    assert [response.HasField("ranking") async for response in call] == [True]


@pytest.mark.parametrize("ask", [rank, rank_batch, rank_stream])
async def test_callers_of_the_scorer_share_scores_only_under_one_salt(
    scorer: ScorerServiceStub, ask: Ask
) -> None:
    before = misses()
    for salt, expected in (("a", 1), ("a", 1), ("b", 2), ("", 3), ("a", 3), ("b", 3)):
        await ask(scorer, ((CACHE_SALT_KEY, salt),))
        assert misses() - before == expected
    await ask(scorer, ())
    assert misses() - before == 3  # no salt is an empty one


@contextmanager
def certificate(authority: trustme.CA, name: str) -> Iterator[TlsFiles]:
    """Yields the files of a caller, or of a service, with this name in its certificate."""
    leaf = authority.issue_cert("127.0.0.1", name)
    with (
        authority.cert_pem.tempfile() as ca,
        leaf.cert_chain_pems[0].tempfile() as chain,
        leaf.private_key_pem.tempfile() as key,
    ):
        yield TlsFiles(ca=Path(ca), certificate=Path(chain), key=Path(key))


async def test_callers_with_other_names_in_their_certificates_share_no_scores(
    serve: Serve, scorer_runtime: Runtime
) -> None:
    authority = trustme.CA()
    with certificate(authority, "scorer") as own:
        config = ScorerServiceConfig(
            listen_address=LOOPBACK,
            max_queue_wait_s=60,
            tls_certificate_file=own.certificate,
            tls_key_file=own.key,
            tls_client_ca_file=own.ca,
        )
        address = await serve(config, scorer_service(config, scorer_runtime))
        before = misses()
        for team, expected in (("team-a", 1), ("team-b", 2), ("team-a", 2)):
            # A renewed certificate has the same names.
            with certificate(authority, team) as files:
                async with open_channel(address, files.load()) as channel:
                    await rank(ScorerServiceStub(channel), ())
            assert misses() - before == expected


def script(call: Call) -> str:
    return call.assessed("0.5 mg", self_score=0.6)


async def ask_router(router: RouterBench, tenant: str) -> None:
    router.metadata = (("authorization", f"Bearer token-of-{tenant}"),)
    await router.ask(QUERY, timeout_s=TIMEOUT_S)


async def test_tenants_of_a_router_share_no_scores(
    start_router: StartRouter, scorer_address: str, tmp_path: Path
) -> None:
    digests = {t: hashlib.sha256(f"token-of-{t}".encode()).hexdigest() for t in TENANTS}
    content = {"tenants": [{"id": t, "token_sha256": [digests[t]]} for t in TENANTS]}
    file = tmp_path / "tenants.yaml"
    file.write_text(yaml.safe_dump(content))
    scripts = dict.fromkeys(("gpt-4o-2024-05-13", "gemma-2-9b-it"), script)
    router = await start_router(scripts, {}, scorer_address=scorer_address, tenants_file=file)
    before = misses()
    for tenant, expected in (("research", 1), ("research", 1), ("support", 2), ("research", 2)):
        await ask_router(router, tenant)
        assert misses() - before == expected
    request = router_service_pb2.RouteQueryRequest(
        messages=[model_pb2.Message(role=model_pb2.ROLE_USER, content=QUERY)]
    )
    await router.stub.RouteQuery(request, metadata=router.metadata, timeout=TIMEOUT_S)
    assert misses() - before == 2


async def test_callers_without_tenants_share_scores(
    start_router: StartRouter, scorer_address: str
) -> None:
    scripts = dict.fromkeys(("gpt-4o-2024-05-13", "gemma-2-9b-it"), script)
    router = await start_router(scripts, {}, scorer_address=scorer_address)
    before = misses()
    for tenant in TENANTS:
        await ask_router(router, tenant)
    assert misses() - before == 1
