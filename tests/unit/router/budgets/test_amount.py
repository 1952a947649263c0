from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.router.types.amounts import MAX_USD, NOTHING, Amount, nano_usd
from services.router.types.ledger import CallPurpose, CallStatus, LedgerEntry


@given(st.integers(0, 10**13))
def test_money_comes_back_from_dollars_as_it_was(nano: int) -> None:
    assert nano_usd(Amount(nano_usd=nano).usd) == nano


def test_what_is_less_than_a_billionth_is_not_nothing() -> None:
    assert nano_usd(1e-11) == 1
    assert nano_usd(0.0) == 0


def test_part_of_a_billionth_is_rounded_up_but_not_what_a_float_is_off() -> None:
    assert nano_usd(1.01e-9) == 2
    assert nano_usd(0.1 + 0.2) == 300_000_000  # 0.30000000000000004
    assert nano_usd(3 * 91.78) == 275_340_000_000  # 275.34000000000003
    assert nano_usd(1.0) == 1_000_000_000


def test_amounts_are_added_and_taken_off_part_by_part() -> None:
    one, other = Amount(1, 20, 300), Amount(4, 50, 600)
    assert (one + other).parts() == (5, 70, 900)
    assert (one - other).parts() == (-3, -30, -300)
    assert NOTHING.parts() == (0, 0, 0)


def test_an_attempt_takes_a_call_the_tokens_read_and_written_and_its_cost() -> None:
    entry = LedgerEntry(
        model_id="m",
        purpose=CallPurpose.ANSWER,
        status=CallStatus.OK,
        layer_number=1,
        prompt_tokens=30,
        completion_tokens=12,
        cost_usd=0.5,
        estimated=False,
        duration_s=1.0,
        time_to_first_token_s=0.1,
    )
    assert entry.used == Amount(1, 42, 500_000_000)


def test_money_is_reported_in_dollars_beside_calls_and_tokens() -> None:
    assert Amount(1, 42, 500_000_000).in_units() == (1, 42, 0.5)


def test_the_largest_amounts_are_still_numbers() -> None:
    assert nano_usd(1.7e308) == nano_usd(MAX_USD) == 10**18
