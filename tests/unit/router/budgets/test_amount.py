from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.router.types.amounts import Amount, nano_usd


@given(st.integers(0, 10**13))
def test_money_comes_back_from_dollars_as_it_was(nano: int) -> None:
    assert nano_usd(Amount(nano_usd=nano).usd) == nano


def test_what_is_less_than_a_billionth_is_not_nothing() -> None:
    assert nano_usd(1e-11) == 1
    assert nano_usd(0.0) == 0
