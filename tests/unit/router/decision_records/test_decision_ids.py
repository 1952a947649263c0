from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.router.decision_records.decision_ids import DecisionIds

KEY = b"sixteen bytes or more"
NOW = datetime(2026, 12, 1, 10, 30, 15, 999_999, tzinfo=UTC)
TENANTS = st.none() | st.text(max_size=20)


@given(tenant=TENANTS)
def test_every_router_with_the_key_knows_the_tenants_decision_and_its_time(
    tenant: str | None,
) -> None:
    decision_id = DecisionIds(KEY).new(tenant, NOW)
    started = DecisionIds(KEY).started(decision_id, tenant)
    assert started is not None
    assert timedelta(0) <= NOW - started < timedelta(seconds=1)


@given(owner=TENANTS, other=TENANTS)
def test_nobody_else_knows_it(owner: str | None, other: str | None) -> None:
    decision_id = DecisionIds(KEY).new(owner, NOW)
    assert (DecisionIds(KEY).started(decision_id, other) is not None) == (owner == other)
    assert DecisionIds(b"another key of bytes").started(decision_id, owner) is None
    assert DecisionIds(None).started(decision_id, owner) is None


@given(place=st.integers(0, 47), digit=st.sampled_from("0123456789abcdefABCDEF "))
def test_an_id_that_is_changed_anywhere_is_not_known(place: int, digit: str) -> None:
    ids = DecisionIds(KEY)
    decision_id = ids.new("us", NOW)
    changed = decision_id[:place] + digit + decision_id[place + 1 :]
    assert (ids.started(changed, "us") is not None) == (changed == decision_id)


@given(text=st.text(max_size=200))
def test_no_other_text_is_an_id(text: str) -> None:
    assert DecisionIds(KEY).started(text, None) is None


def test_ids_are_new_and_of_one_form() -> None:
    ids = DecisionIds(KEY)
    made = {ids.new("us", NOW) for _ in range(1000)}
    assert len(made) == 1000
    assert {len(each) for each in made} == {48}
    assert all(set(each) <= set("0123456789abcdef") for each in made)
