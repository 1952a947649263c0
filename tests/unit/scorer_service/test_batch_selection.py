"""The queries that run together."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.scorer.batching.batch_selection import SHORT_TOKENS, select_batch

LENGTHS = st.lists(st.integers(2, 512), min_size=1, max_size=80)


RATIOS = st.floats(1, 4)


def select(lengths: list[int], *, max_tokens: int = 4096, max_requests: int = 9) -> list[int]:
    return select_batch(
        lengths, max_tokens=max_tokens, max_length_ratio=1.5, max_requests=max_requests
    )


def test_the_shortest_queries_count_as_having_sixteen_tokens() -> None:
    assert select([24, 2]) == [0, 1]  # one and a half times as long
    assert select([25, 2]) == [0]


@given(LENGTHS, st.integers(1, 2048), RATIOS, st.integers(1, 32))
def test_a_batch_holds_the_oldest_and_stays_within_its_limits(
    lengths: list[int], max_tokens: int, ratio: float, max_requests: int
) -> None:
    chosen = select_batch(
        lengths, max_tokens=max_tokens, max_length_ratio=ratio, max_requests=max_requests
    )
    assert chosen[0] == 0
    assert len(set(chosen)) == len(chosen) <= max_requests
    tokens = [lengths[index] for index in chosen]
    # One query alone may exceed the budget: it must run at some point.
    assert len(chosen) == 1 or max(tokens) * len(tokens) <= max_tokens
    assert len(chosen) == 1 or max(tokens) <= ratio * max(min(tokens), SHORT_TOKENS)


@given(LENGTHS, st.integers(1, 2048), st.integers(1, 32))
def test_repeated_selection_takes_every_query_once(
    lengths: list[int], max_tokens: int, max_requests: int
) -> None:
    waiting = list(enumerate(lengths))
    taken: list[int] = []
    while waiting:
        chosen = select(
            [length for _, length in waiting], max_tokens=max_tokens, max_requests=max_requests
        )
        taken += [waiting[index][0] for index in chosen]
        waiting = [entry for index, entry in enumerate(waiting) if index not in chosen]
    assert sorted(taken) == list(range(len(lengths)))


def test_padding_counts_towards_the_token_budget() -> None:
    # 40 + 60 are 100 tokens, and 120 once padded.
    assert select([40, 60], max_tokens=119) == [0]
    assert select([40, 60], max_tokens=120) == [0, 1]


def test_a_long_query_does_not_inflate_a_batch_of_short_ones() -> None:
    assert select([20, 500, 22, 21]) == [0, 3, 2]


def test_a_long_query_that_is_the_oldest_runs_without_the_short_ones() -> None:
    assert select([500, 20, 480, 22]) == [0, 2]


def test_of_equally_near_queries_the_older_goes_first() -> None:
    assert select([50, 52, 48, 50], max_requests=3) == [0, 3, 1]
