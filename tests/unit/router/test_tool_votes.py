"""Votes on calls to tools: what counts as the same choice, which one wins, and when it is settled."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.routing.tool_votes import (
    NO_TOOL,
    Vote,
    is_close,
    is_settled,
    tally,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

SCORES = st.floats(0, 1)
VOTES = st.lists(st.builds(Vote, choice=st.sampled_from("abc"), score=SCORES), min_size=1)


def votes(*given: tuple[str, float]) -> list[Vote]:
    return [Vote(choice=choice, score=score) for choice, score in given]


def winner(*given: tuple[str, float]) -> str:
    return tally(votes(*given))[0].key


@pytest.mark.parametrize(
    ("given", "won"),
    [
        ([("a", 0.5)], "a"),
        ([("a", 0.5), ("b", 0.5), ("b", 0.5)], "b"),  # models of which nothing is known
        ([("a", 0.95), ("b", 0.9), ("b", 0.7)], "b"),
        ([("a", 0.98), ("b", 0.5), ("b", 0.5)], "a"),  # one strong model against two weak ones
        ([("a", 0.8), ("b", 0.7)], "a"),
        ([("a", 0.01), ("a", 0.01), ("b", 0.02)], "a"),  # no vote counts against its own choice
        ([(NO_TOOL, 0.6), (NO_TOOL, 0.6), ("a", 0.7)], NO_TOOL),
    ],
)
def test_the_likeliest_choice_wins(given: list[tuple[str, float]], won: str) -> None:
    assert winner(*given) == won


@given(VOTES, st.randoms(use_true_random=False))
def test_the_order_of_the_votes_does_not_matter(cast: list[Vote], random: Any) -> None:
    shuffled = random.sample(cast, len(cast))
    assert [(c.key, c.weight) for c in tally(cast)] == [(c.key, c.weight) for c in tally(shuffled)]
    assert is_settled(cast, [0.5]) == is_settled(shuffled, [0.5])


@given(VOTES)
def test_every_vote_counts_for_its_own_choice_and_only_choices_that_were_made_can_win(
    cast: list[Vote],
) -> None:
    choices = tally(cast)
    assert {choice.key for choice in choices} == {vote.choice for vote in cast}
    for choice in choices:
        assert {cast[voter].choice for voter in choice.voters} == {choice.key}
    assert sorted(itertools.chain(*(c.voters for c in choices))) == list(range(len(cast)))
    assert sum(choice.chance for choice in choices) == pytest.approx(1)


@given(VOTES, st.lists(SCORES, max_size=4), st.lists(st.sampled_from("abcd"), min_size=4))
def test_what_is_settled_stays_whatever_the_others_choose(
    cast: list[Vote], pending: list[float], later: Sequence[str]
) -> None:
    if is_settled(cast, pending):
        late = [Vote(choice=c, score=s) for c, s in zip(later, pending, strict=False)]
        assert tally([*cast, *late])[0].key == tally(cast)[0].key


def test_one_model_alone_settles_nothing() -> None:
    assert not is_settled([], [0.5])
    assert not is_settled(votes(("a", 0.9)), [])
    assert is_settled(votes(("a", 0.6), ("a", 0.6)), [0.7])
    assert not is_settled(votes(("a", 0.4), ("a", 0.4)), [0.98])


def test_a_vote_is_close_if_its_leader_is_hardly_likelier_than_the_others() -> None:
    assert is_close(tally(votes(("a", 0.7), ("b", 0.69), ("c", 0.68))))
    assert not is_close(tally(votes(("a", 0.7), ("b", 0.69), ("b", 0.68))))
    assert not is_close(tally(votes(("a", 0.7), ("a", 0.69))))
    assert not is_close(())
