"""The tokens and the cost of all calls of an answer, and the tokens of its text."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY

from services.router.telemetry.model_metrics import record_entry
from services.router.types.amounts import NOTHING, Amount
from services.router.types.ledger import (
    AttemptKind,
    CallPurpose,
    CallStatus,
    Ledger,
    LedgerEntry,
    answer_tokens,
)
from tests.unit.router.runs import pool_model


def entry(
    status: CallStatus = CallStatus.OK,
    *,
    read: int = 10,
    wrote: int = 5,
    cost_usd: float = 0.5,
    first_text_s: float | None = 0.1,
    kind: AttemptKind = AttemptKind.FIRST,
    model_id: str = "m",
    capped: bool = False,
) -> LedgerEntry:
    return LedgerEntry(
        model_id=model_id,
        purpose=CallPurpose.ANSWER,
        attempt_kind=kind,
        status=status,
        layer_number=1,
        prompt_tokens=read,
        completion_tokens=wrote,
        cost_usd=cost_usd,
        estimated=False,
        capped=capped,
        duration_s=1.0,
        time_to_first_token_s=first_text_s,
    )


def test_every_attempt_counts_towards_tokens_and_cost_failed_ones_too() -> None:
    ledger = Ledger()
    assert (ledger.used, ledger.cost_usd) == (NOTHING, 0)
    ledger.add(entry(read=10, wrote=5, cost_usd=0.5))
    ledger.add(entry(CallStatus.TIMEOUT, read=3, wrote=2, cost_usd=0.25))
    assert [(e.cached_prompt_tokens, e.reasoning_tokens) for e in ledger.entries] == [(0, 0)] * 2
    assert ledger.used == Amount(2, 20, 750_000_000)
    assert ledger.cost_usd == pytest.approx(0.75)


def test_whoever_listens_sees_every_entry() -> None:
    seen: list[LedgerEntry] = []
    ledger = Ledger(on_entry=seen.append)
    ledger.add(entry())
    ledger.add(entry(CallStatus.EMPTY))
    assert seen == ledger.entries
    assert [each.status for each in seen] == [CallStatus.OK, CallStatus.EMPTY]


def test_the_metrics_count_calls_by_status_and_what_they_cost() -> None:
    def value(name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(name, {"model_id": "counted", **labels}) or 0.0

    ledger = Ledger(on_entry=lambda each: record_entry(each, pool_model(each.model_id)))
    ledger.add(entry(model_id="counted", cost_usd=0.5))
    ledger.add(entry(CallStatus.TIMEOUT, model_id="counted", cost_usd=0.25))
    assert value("routemoa_router_model_calls_total", status="OK") == 1
    assert value("routemoa_router_model_calls_total", status="TIMEOUT") == 1
    assert value("routemoa_router_cost_usd_total") == pytest.approx(0.75)


def test_the_metrics_count_attempts_whose_usage_was_capped() -> None:
    ledger = Ledger(on_entry=lambda each: record_entry(each, pool_model(each.model_id)))
    ledger.add(entry(model_id="liar", capped=True))
    ledger.add(entry(model_id="liar"))
    name = "routemoa_router_capped_attempts_total"
    assert REGISTRY.get_sample_value(name, {"model_id": "liar"}) == 1


def test_a_reply_that_was_resumed_read_what_its_first_attempt_read_and_wrote_all_of_it() -> None:
    entries = [
        entry(CallStatus.UNREACHABLE, read=0, wrote=0, first_text_s=None),
        entry(CallStatus.INTERRUPTED, read=10, wrote=4),
        entry(CallStatus.OK, read=14, wrote=6, kind=AttemptKind.RESUME),
    ]
    assert answer_tokens(entries) == (10, 10)


def test_a_hedge_that_lost_wrote_nothing_of_the_reply() -> None:
    lost = entry(CallStatus.CANCELLED, read=10, wrote=3, kind=AttemptKind.HEDGE)
    assert answer_tokens([lost, entry(read=11, wrote=5)]) == (11, 5)


def test_a_call_that_wrote_nothing_has_no_tokens() -> None:
    assert answer_tokens([]) == (0, 0)
    assert answer_tokens([entry(CallStatus.TIMEOUT, first_text_s=None)]) == (0, 0)
