"""What is lost is seen, whatever is in use meanwhile."""

from __future__ import annotations

import numpy as np

from tests.load.soak import PARTS, Look, floors
from tests.load.trend import trend

NAME = "process_resident_memory_bytes"
PER_HOUR = 3000.0


def looks(*, lost_per_hour: float) -> list[Look]:
    """Half an hour in which ever more calls are in flight, but few now and then."""
    draw = np.random.default_rng(1)
    seconds = np.arange(1830.0)
    in_use = draw.exponential(1000 + seconds, len(seconds))
    in_use[draw.random(len(seconds)) < 0.1] = 0
    values = 200_000 + in_use + draw.normal(0, 50, len(seconds)) + lost_per_hour * seconds / 3600
    return [
        Look(at_s=5.0 + at, values={NAME: value}) for at, value in zip(seconds, values, strict=True)
    ]


def test_memory_in_use_is_no_growth_and_memory_lost_is() -> None:
    level = trend(*floors(looks(lost_per_hour=0), NAME))
    assert level.is_level
    lost = trend(*floors(looks(lost_per_hour=PER_HOUR), NAME))
    assert lost.low < PER_HOUR < lost.high
    assert lost.low > 0


def test_a_short_soak_has_fewer_parts() -> None:
    few = looks(lost_per_hour=0)[: PARTS - 4]
    times, values = floors(few, NAME)
    assert times == [each.at_s for each in few]
    assert values == [each.values[NAME] for each in few]
