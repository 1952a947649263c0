"""No strategy ever takes more than its policy allows, whatever the models do."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc.aio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routemoa.errors import AnswerTimedOutError, GenerationFailedError, NoEligibleModelError
from routemoa.rpc_status import from_rpc_error
from services.router.strategies.registry import STRATEGIES
from services.simulator import Call, FaultKind, Pacing

if TYPE_CHECKING:
    from routemoa.v1 import router_service_pb2 as pb
    from tests.integration.conftest import RouterBench, StartRouter

SCORES = {"a": 0.8, "b": 0.7, "c": 0.65, "d": 0.6, "e": 0.3}
MODELS = {
    "a": {"completion_price_usd_per_million_tokens": 40.0, "max_reply_tokens": 256},
    "b": {"prompt_price_usd_per_million_tokens": 9.0, "max_reply_tokens": 64},
    "c": {"max_reply_tokens": 512},
    "d": {"completion_price_usd_per_million_tokens": 0.1, "max_reply_tokens": 128},
    "e": {"context_window_tokens": 1024, "max_reply_tokens": 128},
}
EXPECTED_ERRORS = (AnswerTimedOutError, GenerationFailedError, NoEligibleModelError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request, and how the models behave meanwhile."""

    policy: dict[str, Any]
    faults: dict[str, FaultKind | None]
    words: int
    """Length of every answer."""


asks = st.builds(
    Ask,
    policy=st.fixed_dictionaries(
        {
            "max_call_count": st.integers(1, 12),
            "max_layer_count": st.integers(1, 4),
            "max_layer_model_count": st.integers(1, 5),
            "max_token_count": st.sampled_from([700, 1_500, 4_000, 100_000]),
            "max_cost_usd": st.sampled_from([0.002, 0.008, 0.03, 1.0]),
            "stopping_score": st.sampled_from([0.5, 0.9, 1.0]),
        }
    ),
    faults=st.fixed_dictionaries(
        {model: st.none() | st.none() | st.sampled_from(FaultKind) for model in SCORES}
    ),
    words=st.sampled_from([1, 30, 400]),
)


def speaker(call: Call) -> str:
    """Answers in as many words as the query asks for."""
    words = int(call.query.split()[2])
    return call.assessed(f"{call.model} says " + "eight " * words, self_score=0.6)


@pytest.fixture
async def router(start_router: StartRouter) -> RouterBench:
    return await start_router(
        dict.fromkeys(SCORES, speaker),
        SCORES,
        models=MODELS,
        pacing=Pacing(slow_start_s=0.2),
        # The router's own, and none of the caller's: so every end is one that the router chose.
        default_timeout_s=0.6,
    )


@pytest.mark.parametrize("strategy", STRATEGIES)
@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(asked=asks)
async def test_no_cap_is_ever_exceeded(router: RouterBench, strategy: str, asked: Ask) -> None:
    router.simulator.clear_calls()
    for model, fault in asked.faults.items():
        router.simulator.clear_fault(model)
        if fault is not None:
            router.simulator.set_fault(model, fault)
    query = f"Answer in {asked.words} words."
    failure = None
    try:
        result = await router.ask(query, strategy=strategy, timeout_s=None, **asked.policy)
    except grpc.aio.AioRpcError as error:
        failure = from_rpc_error(error)
    else:
        assert router.shown == result.answer.text
        check_caps(asked.policy, result)
        check_ledger(router, result)
    assert failure is None or isinstance(failure, EXPECTED_ERRORS)
    assert len(router.simulator.calls) <= asked.policy["max_call_count"]


def check_caps(policy: dict[str, Any], result: pb.GenerateAnswerResponse) -> None:
    tokens = sum(e.prompt_token_count + e.completion_token_count for e in result.usage)
    assert len(result.usage) <= policy["max_call_count"]
    assert tokens <= policy["max_token_count"]
    assert result.cost_usd <= policy["max_cost_usd"]
    assert sum(bool(layer.answers) for layer in result.layers) <= policy["max_layer_count"]
    for layer in result.layers:
        assert len(layer.selected_model_ids) <= policy["max_layer_model_count"]


def check_ledger(router: RouterBench, result: pb.GenerateAnswerResponse) -> None:
    assert result.cost_usd == pytest.approx(sum(entry.cost_usd for entry in result.usage))
    # A call that was cancelled before it left has an entry and was never seen.
    seen = Counter(call.model for call in router.simulator.calls)
    assert seen <= Counter(entry.model_id for entry in result.usage)
