from __future__ import annotations

import pytest

from services.router.feedback.tenant_rate import BURST_UNITS, UNITS_PER_S, TenantRate


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_a_burst_goes_through_and_then_the_steady_rate() -> None:
    clock = Clock()
    rate = TenantRate(clock=clock)
    taken = 0
    while not (wait_s := rate.take("us", 1)):
        taken += 1
    assert taken == BURST_UNITS
    assert wait_s == pytest.approx(1 / UNITS_PER_S)
    clock.now_s += wait_s
    assert rate.take("us", 1) == pytest.approx(0, abs=1e-6)
    clock.now_s += 10
    through = sum(rate.take("us", 1) == 0 for _ in range(1000))
    assert through == pytest.approx(10 * UNITS_PER_S, abs=1)


def test_what_is_refused_takes_nothing() -> None:
    rate = TenantRate(clock=Clock())
    rate.take("us", BURST_UNITS - 1)
    assert rate.take("us", 2) > 0
    assert rate.take("us", 1) == 0


def test_one_tenant_does_not_limit_another() -> None:
    rate = TenantRate(clock=Clock())
    assert rate.take("us", BURST_UNITS) == 0
    assert rate.take("us", 1) > 0
    assert rate.take("them", 1) == 0
    assert rate.take(None, 1) == 0
