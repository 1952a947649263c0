"""The precision that a scorer takes: the fastest here, of those whose scores agree with fp32."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from scorer import TokenizedQuery
from scorer.runtime.artifact import Precision
from scorer.runtime.tokenizer import NO_IDS
from services.scorer.artifacts.precision_choice import MEASURED_TEXTS, fastest, measure

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt


class Clock:
    """A time that runs only while a fake runtime scores."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class Fake:
    """A runtime that takes the given times per query in turn, the last one from then on."""

    def __init__(
        self, clock: Clock, precision: Precision, times_s: Sequence[float], score: float = 0.5
    ) -> None:
        self.precision = precision
        self.runs = 0
        self._clock = clock
        self._times_s = times_s
        self._score = score

    def tokenize(self, text: str) -> TokenizedQuery:
        return TokenizedQuery(ids=np.arange(len(text)), ngrams=NO_IDS, truncated=False)

    def score(self, queries: Sequence[TokenizedQuery]) -> npt.NDArray[np.float32]:
        self._clock.now_s += self._times_s[min(self.runs, len(self._times_s) - 1)]
        self.runs += 1
        return np.full((len(queries), 3), self._score, dtype=np.float32)


@pytest.mark.parametrize(
    ("int8_s", "fp32_s", "int8_score", "chosen"),
    [
        (0.004, 0.008, 0.5, Precision.INT8),
        (0.012, 0.008, 0.5, Precision.FP32),
        (0.004, 0.008, 0.509, Precision.INT8),
        (0.004, 0.008, 0.52, Precision.FP32),
        (0.004, 0.008, float("nan"), Precision.FP32),
    ],
    ids=["fast integers", "slow integers", "rounded", "wrong scores", "no scores"],
)
def test_the_fastest_precision_that_agrees_with_fp32_is_taken(
    int8_s: float, fp32_s: float, int8_score: float, chosen: Precision
) -> None:
    clock = Clock()
    runtimes = [
        Fake(clock, Precision.INT8, [int8_s], int8_score),
        Fake(clock, Precision.FP32, [fp32_s]),
    ]
    measurements = measure(runtimes, clock)
    assert fastest(measurements) is chosen
    assert [each.duration_s for each in measurements] == pytest.approx(
        [int8_s * len(MEASURED_TEXTS), fp32_s * len(MEASURED_TEXTS)]
    )


def test_a_moment_in_which_the_machine_is_busy_does_not_decide() -> None:
    clock = Clock()
    count = len(MEASURED_TEXTS)
    busy = [*[0.1] * (2 * count), 0.004]  # The first round, and the runs before it.
    runtimes = [Fake(clock, Precision.INT8, busy), Fake(clock, Precision.FP32, [0.008])]
    assert fastest(measure(runtimes, clock)) is Precision.INT8


def test_a_slow_machine_is_measured_once() -> None:
    clock = Clock()
    runtimes = [Fake(clock, Precision.INT8, [0.5]), Fake(clock, Precision.FP32, [1.0])]
    measure(runtimes, clock)
    assert [each.runs for each in runtimes] == [2 * len(MEASURED_TEXTS)] * 2
