"""Measures the precisions in which an artifact can run on this hardware, and takes the fastest.

Which one that is depends on the processor: some multiply integers fast, some do not. Integer products
may be wrong on hardware that adds them in too few bits, so scores are compared with those of fp32.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from scorer.runtime.artifact import MAX_MEAN_SCORE_DIFFERENCE, Precision

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from scorer import TokenizedQuery

MEASURED_TEXTS = (
    "What is the capital of France?",
    "Translate into German: the meeting was moved to Thursday afternoon.",
    "Write a function that returns the longest word of a sentence:\n\ndef longest(sentence):",
    """A train leaves at noon and every hour after that. How many of 480 passengers have a seat if each
wagon holds 62 people, two wagons are closed, and a third of those who wait decide to walk?""",
    """Which of these is not a property of an ideal gas? (A) its molecules have no volume (B) they
attract one another (C) collisions are elastic (D) its pressure rises with its temperature. Answer with
the letter, and say in two sentences why each of the others is a property of it.""",
)
"""Queries of several kinds, of about 10 to 75 tokens."""

MAX_ROUNDS = 5
MAX_MEASURING_S = 1.0
"""Time after which no further round begins."""


class Measurable(Protocol):
    """A runtime, as far as it is measured."""

    precision: Precision

    def tokenize(self, text: str) -> TokenizedQuery:
        """Returns a text as a query that can be scored."""

    def score(self, queries: Sequence[TokenizedQuery]) -> npt.NDArray[np.float32]:
        """Returns the scores of queries, (B, M)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """Time and score difference of one precision."""

    precision: Precision
    duration_s: float
    """Time of all texts, one after the other: the fastest time of each text."""
    score_difference: float
    """Mean |score difference| from fp32."""

    @property
    def agrees(self) -> bool:
        """True if its scores are those of fp32, as far as parity asks."""
        return self.score_difference <= MAX_MEAN_SCORE_DIFFERENCE


def measure(runtimes: Sequence[Measurable], clock: Callable[[], float]) -> tuple[Measurement, ...]:
    """Measures runtimes of one artifact, one of which runs in fp32; they take turns.

    Args:
        runtimes: The runtimes.
        clock: Returns seconds of what counts: of the processor for this thread, or of the day.
    """
    queries = [runtimes[0].tokenize(text) for text in MEASURED_TEXTS]
    # The first run of each shape also makes its memory ready, so it is not timed.
    scores = {
        runtime.precision: np.concatenate([runtime.score([query]) for query in queries])
        for runtime in runtimes
    }
    durations = np.full((len(runtimes), len(queries)), np.inf)
    started = clock()
    for _ in range(MAX_ROUNDS):
        for place, query in enumerate(queries):
            for row, runtime in enumerate(runtimes):
                begun = clock()
                runtime.score([query])
                durations[row, place] = min(durations[row, place], clock() - begun)
        if clock() - started > MAX_MEASURING_S:
            break
    return tuple(
        Measurement(
            precision=runtime.precision,
            duration_s=float(durations[row].sum()),
            score_difference=float(
                np.abs(scores[runtime.precision] - scores[Precision.FP32]).mean()
            ),
        )
        for row, runtime in enumerate(runtimes)
    )


def fastest(measurements: Sequence[Measurement]) -> Precision:
    """Returns the fastest precision whose scores agree with fp32."""
    agreeing = [each for each in measurements if each.agrees]
    return min(agreeing, key=lambda each: each.duration_s).precision
