"""Whatever a backend reports, an attempt is booked within its reservation."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.router.backends.call import ModelCall
from services.router.backends.dialects.backend_dialects import DIALECTS
from services.router.backends.http.usage import Usage
from services.router.budgets.account import Account
from services.router.budgets.memory_store import MemoryStore
from services.router.budgets.tenants import Allowance, Tenant
from services.router.pool.backend import Backend
from services.router.types.amounts import Caps
from services.router.types.deadline import Deadline
from services.router.types.ledger import AttemptKind, CallPurpose, CallStatus, Ledger
from services.router.types.messages import Message, Role
from tests.wire.attempt import pool_model

if TYPE_CHECKING:
    from services.router.types.amounts import Amount
    from services.router.types.ledger import LedgerEntry

PROMPT = (Message(role=Role.USER, content="How many legs has a spider? " * 20),)
TEXT = "A spider has eight legs, and it walks on all of them. "


class Recorded:
    """A reservation that keeps what it was settled at."""

    used: Amount | None = None

    def settle(self, used: Amount) -> None:
        self.used = used


class Calls:
    """One call, and the means to have a backend answer it."""

    def __init__(self, backend: Backend = Backend.OPENAI, **settings: Any) -> None:
        self.model = pool_model("http://localhost", backend, **settings)
        self.reservation = Recorded()
        self.call = ModelCall(
            model=self.model,
            messages=PROMPT,
            purpose=CallPurpose.ANSWER,
            layer_number=1,
            reservation=self.reservation,
        )

    def answered(
        self, *events: object, text: str = TEXT, status: CallStatus = CallStatus.OK
    ) -> LedgerEntry:
        """Returns the entry of an attempt with this text and these events of a stream."""
        attempt = asyncio.run(self.call.attempt("http://localhost", AttemptKind.FIRST))
        exchange = attempt.exchange
        exchange.sent = True
        reader = DIALECTS[self.model.backend].reader(exchange)
        if text:
            exchange.add(text)
        for event in events:
            raw = event if isinstance(event, str) else json.dumps(event)
            line = raw if self.model.backend is Backend.OLLAMA else f"data: {raw}\n"
            reader.read(f"{line}\n".encode())
        (entry,) = self.call.book(Ledger(), status)
        assert self.reservation.used == entry.used
        return entry


def usage(prompt: object, completion: object, **more: object) -> dict[str, object]:
    return {"usage": {"prompt_tokens": prompt, "completion_tokens": completion, **more}}


def test_an_honest_report_is_booked_as_it_is() -> None:
    entry = Calls().answered(usage(120, 14))
    assert (entry.prompt_tokens, entry.completion_tokens) == (120, 14)
    assert entry.cost_usd == pytest.approx((120 * 1 + 14 * 2) / 1e6)
    assert (entry.estimated, entry.capped) == (False, False)


def test_cached_tokens_are_billed_at_their_prices() -> None:
    calls = Calls(
        cached_prompt_price_usd_per_million_tokens=0.1,
        cache_written_prompt_price_usd_per_million_tokens=1.25,
    )
    details = {"cached_tokens": 60, "cache_write_tokens": 30}
    entry = calls.answered(usage(100, 14, prompt_tokens_details=details))
    assert (entry.cached_prompt_tokens, entry.cache_written_prompt_tokens) == (60, 30)
    assert entry.cost_usd == pytest.approx((10 * 1 + 60 * 0.1 + 30 * 1.25 + 14 * 2) / 1e6)


def test_zeros_beside_a_text_are_estimated_and_marked() -> None:
    entry = Calls().answered(usage(0, 0, cost=0))
    assert entry.prompt_tokens > 100
    assert entry.completion_tokens > 10
    assert entry.cost_usd > 0
    assert (entry.estimated, entry.capped) == (True, False)


@pytest.mark.parametrize(
    ("reported", "kept"), [(usage(120, 0), (120, None)), (usage(0, 14), (None, 14))]
)
def test_the_count_that_is_missing_is_estimated_and_the_other_one_is_kept(
    reported: object, kept: tuple[int | None, int | None]
) -> None:
    entry = Calls().answered(reported)
    estimate = Calls().answered()
    assert entry.prompt_tokens == (kept[0] or estimate.prompt_tokens)
    assert entry.completion_tokens == (kept[1] or estimate.completion_tokens)
    assert entry.estimated


@pytest.mark.parametrize(
    "twice",
    [
        (
            '{"usage":{"prompt_tokens":120,"completion_tokens":9},'
            '"usage":{"prompt_tokens":0,"completion_tokens":0}}'
        ),
        (
            '{"usage":{"prompt_tokens":120,"prompt_tokens":0,'
            '"completion_tokens":9,"completion_tokens":0}}'
        ),
    ],
)
def test_names_that_stand_twice_cannot_book_nothing(twice: str) -> None:
    entry = Calls().answered(twice)
    assert entry.used == Calls().answered().used
    assert entry.used.nano_usd > 0


@pytest.mark.parametrize(
    "reported", [usage(2**31 - 1, 2**31 - 1), usage(2**31 - 1, 1), usage(1, 2**31 - 1)]
)
def test_a_report_above_the_reservation_is_cut_and_marked(reported: object) -> None:
    calls = Calls()
    worst = calls.call.worst
    entry = calls.answered(reported)
    assert entry.capped
    assert not entry.estimated
    assert entry.used.tokens <= worst.tokens
    assert entry.used.nano_usd <= worst.nano_usd
    assert entry.completion_tokens <= calls.model.max_reply_tokens


def test_a_cost_is_believed_of_openrouter_alone_and_no_further_than_the_reservation() -> None:
    claim = usage(120, 14, cost=999_999)
    assert Calls().answered(claim).cost_usd == pytest.approx((120 + 14 * 2) / 1e6)
    of_openrouter = Calls(Backend.OPENROUTER)
    entry = of_openrouter.answered(claim)
    assert entry.used.nano_usd == of_openrouter.call.worst.nano_usd
    assert entry.capped
    honest = Calls(Backend.OPENROUTER).answered(usage(120, 14, cost=0.0001))
    assert (honest.cost_usd, honest.capped) == (0.0001, False)


def test_an_estimate_above_the_reservation_is_cut_but_is_not_the_backends_claim() -> None:
    calls = Calls(max_reply_tokens=8)
    entry = calls.answered(text=TEXT * 3, status=CallStatus.CANCELLED)
    assert entry.completion_tokens == 8
    assert entry.used.nano_usd <= calls.call.worst.nano_usd
    assert (entry.estimated, entry.capped) == (True, False)


def test_an_attempt_that_was_never_processed_costs_nothing() -> None:
    entry = Calls().answered(usage(0, 9), text="", status=CallStatus.REJECTED)
    assert (entry.used.tokens, entry.used.nano_usd, entry.capped) == (0, 0, False)


async def test_an_attempt_that_continues_a_text_reserves_for_reading_it() -> None:
    reserved: list[Amount] = []

    class Budget:
        async def reserve_one(self, worst: Amount) -> Recorded:
            reserved.append(worst)
            return Recorded()

    call = Calls().call
    call.budget = Budget()  # type: ignore[assignment]
    await call.attempt("http://localhost", AttemptKind.FIRST)
    await call.attempt("http://localhost", AttemptKind.RETRY)
    await call.attempt("http://localhost", AttemptKind.RESUME, partial=TEXT * 10)
    assert reserved[0] == call.worst
    assert reserved[1].tokens > call.worst.tokens + 100
    assert [attempt.worst for attempt in call.attempts] == [call.worst, *reserved]


async def test_a_backend_that_reports_too_much_does_not_lock_its_tenant_out() -> None:
    calls = Calls(Backend.OPENROUTER)
    worst = calls.call.worst
    day = Allowance(tokens=3 * worst.tokens, usd=3 * worst.usd)
    tenant = Tenant(id="research", per_day=day)
    account = Account(
        tenant=tenant,
        caps=Caps(),
        store=MemoryStore(),
        deadline=Deadline.after(10),
        lease_margin_s=30,
    )
    for _ in range(2):
        calls = Calls(Backend.OPENROUTER)
        (calls.call.reservation,) = await account.reserve([worst])
        attempt = await calls.call.attempt("http://localhost", AttemptKind.FIRST)
        attempt.exchange.reported = Usage(
            prompt_tokens=2**31 - 1, completion_tokens=2**31 - 1, cost_usd=999_999
        )
        (entry,) = calls.call.book(Ledger(), CallStatus.OK)
        assert entry.capped
    assert await account.reserve([worst])


numbers = st.integers(-(2**70), 2**70) | st.floats() | st.integers(0, 5_000) | st.booleans()
anything = numbers | st.none() | st.text(max_size=5) | st.lists(numbers, max_size=2)
details = st.dictionaries(
    st.sampled_from(
        ["cached_tokens", "cache_write_tokens", "reasoning_tokens", "upstream_inference_cost"]
    ),
    anything,
)
counts = st.dictionaries(
    st.sampled_from(
        [
            *("prompt_tokens", "completion_tokens", "total_tokens", "cost", "is_byok"),
            *("prompt_cache_hit_tokens", "cache_read_input_tokens", "reasoning_tokens"),
            *("cache_creation_input_tokens", "input_length", "generated_tokens"),
            *("prompt_n", "predicted_n", "cache_n", "prompt_eval_count", "eval_count"),
        ]
    ),
    anything,
) | st.fixed_dictionaries({"prompt_tokens": numbers, "completion_tokens": numbers})
prices = st.floats(0, 1e5) | st.sampled_from([0, 0.1, 1, 15])


@pytest.mark.parametrize("backend", list(Backend))
@settings(deadline=None, max_examples=60)
@given(
    reports=st.lists(st.tuples(counts, details, details), max_size=3),
    text=st.sampled_from(["", "4", TEXT, TEXT * 500]),
    status=st.sampled_from(list(CallStatus)),
    price=st.tuples(prices, prices, prices, prices),
)
def test_no_report_books_more_than_the_reservation_or_less_than_nothing(
    backend: Backend,
    reports: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]],
    text: str,
    status: CallStatus,
    price: tuple[float, float, float, float],
) -> None:
    names = ("prompt", "completion", "cached_prompt", "cache_written_prompt")
    per_token = {
        f"{name}_price_usd_per_million_tokens": usd for name, usd in zip(names, price, strict=True)
    }
    calls = Calls(backend, **per_token)
    worst = calls.call.worst
    events = [
        {
            **counted,
            "done": True,
            "details": counted,
            "timings": counted,
            "usage": {
                **counted,
                "prompt_tokens_details": read,
                "completion_tokens_details": read,
                "cost_details": billed,
            },
        }
        for counted, read, billed in reports
    ]
    entry = calls.answered(*events, text=text, status=status)
    used = entry.used
    assert 0 <= used.tokens <= worst.tokens
    assert 0 <= used.nano_usd <= worst.nano_usd
    assert min(entry.prompt_tokens, entry.completion_tokens, entry.reasoning_tokens) >= 0
    assert entry.reasoning_tokens <= entry.completion_tokens
    cached = (entry.cached_prompt_tokens, entry.cache_written_prompt_tokens)
    assert min(cached) >= 0
    assert sum(cached) <= entry.prompt_tokens
    if status is CallStatus.OK and text:
        assert used.tokens > 0
