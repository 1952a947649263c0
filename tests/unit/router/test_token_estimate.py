from __future__ import annotations

import string
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from services.router.types.tokens import estimate_tokens, tokens_of_weight, weight

TEXTS = yaml.safe_load((Path(__file__).parent / "token_counts.yaml").read_text(encoding="utf-8"))
FINNISH = 0.92
"""The share of the true count that the estimate of the least favourable text may fall to."""


@pytest.mark.parametrize("kind", TEXTS)
def test_an_estimate_is_not_below_the_greediest_vocabulary(kind: str) -> None:
    most, text = TEXTS[kind]["most_tokens"], TEXTS[kind]["text"]
    assert estimate_tokens(text) >= most * (FINNISH if kind == "finnish" else 1) - 1


@pytest.mark.parametrize("kind", ["prose", "german", "russian", "python", "json", "digits"])
def test_an_estimate_of_usual_text_is_less_than_twice_the_greediest_vocabulary(kind: str) -> None:
    assert estimate_tokens(TEXTS[kind]["text"]) < 2 * TEXTS[kind]["most_tokens"]


def test_english_prose_has_nearly_three_characters_per_token() -> None:
    text = TEXTS["prose"]["text"]
    assert 2.6 < len(text) / estimate_tokens(text) < 3.2


def test_a_long_number_has_a_token_per_digit() -> None:
    assert estimate_tokens("Add: " + "7" * 15_000) >= 15_000


@pytest.mark.parametrize(
    ("text", "weighs"),
    [
        *(("aeiotw", 6 * 4), (" jkqvxyz", 8 * 15), ("AZ", 2 * 16), ("\n\t\x7f.", 4 * 21)),
        *(("19", 2 * 25), ("a" * 11, 11 * 4), ("a" * 12, 12 * 4 + 84), ("Ab1" * 4, 4 * 45 + 84)),
        *(("7" * 11, 11 * 25), ("7" * 12, 12 * 20), ("7" * 24, 24 * 20), ("7" * 13, 240 + 25)),
        *((" " * 3, 3 * 15), (" " * 4, 20), (" " * 9, 2 * 20 + 15)),
        *(
            ("ж", 20),
            ("ب", 25),
            ("é", 30),
            ("éa", 34),
            ("λ", 30),
            ("カ", 30),
            ("中", 40),
            ("글", 40),
        ),
        *(("ไ", 40), ("ő", 40), ("א", 40), ("\u2019", 40), ("！", 50), ("अ", 60), ("😀", 80)),
    ],
)
def test_characters_have_the_weight_of_their_class(text: str, weighs: int) -> None:
    assert weight(text) == weighs


def test_an_empty_text_has_no_tokens() -> None:
    assert estimate_tokens("") == 0


any_text = st.text() | st.text(string.printable) | st.text(string.digits + "a ", max_size=200)


@given(any_text)
def test_every_text_has_a_token_and_none_has_many_more_than_its_bytes(text: str) -> None:
    tokens = estimate_tokens(text)
    assert (tokens > 0) == bool(text)
    assert tokens <= 2 * len(text.encode())


@given(any_text, any_text)
def test_pieces_that_are_weighed_one_by_one_weigh_about_as_much_as_the_whole(
    start: str, end: str
) -> None:
    apart, whole = weight(start) + weight(end), weight(start + end)
    assert abs(tokens_of_weight(apart) - tokens_of_weight(whole)) <= 20


@given(st.text(st.characters(codec=None, categories=["Cs"]), min_size=1))
def test_half_a_surrogate_pair_has_a_weight(text: str) -> None:
    assert estimate_tokens(text) > 0
