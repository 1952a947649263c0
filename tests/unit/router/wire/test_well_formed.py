from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.backends.http.replies.well_formed import WellFormedStream, well_formed

texts = st.text(
    st.characters()
    | st.characters(categories=["Cs"])
    | st.sampled_from("ab\0\ud83d\udd77\U0001f577")
)


def mended(text: str, size: int) -> str:
    stream = WellFormedStream()
    pieces = [stream.feed(text[start : start + size]) for start in range(0, len(text), size)]
    return "".join(pieces) + stream.finish()


@given(texts, st.integers(1, 5))
def test_a_text_is_mended_the_same_however_it_is_cut(text: str, size: int) -> None:
    assert mended(text, size) == mended(text, max(1, len(text)))


@given(texts, st.integers(1, 5))
def test_what_is_mended_can_be_encoded_and_has_no_nul(text: str, size: int) -> None:
    assert "\0" not in mended(text, size).encode().decode()


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_a_sound_text_is_left_as_it_is(text: str) -> None:
    assert mended(text, 1) == well_formed(text) == text


@pytest.mark.parametrize(
    ("text", "sound"),
    [
        ("\ud83d\udd77", "\U0001f577"),
        ("a\ud83d", "a\ufffd"),
        ("\udd77a", "\ufffda"),
        ("\udd77\ud83d", "\ufffd\ufffd"),
        ("\ud83d\ud83d\udd77", "\ufffd\U0001f577"),
        ("\0", "\ufffd"),
    ],
)
def test_pairs_are_joined_and_halves_replaced(text: str, sound: str) -> None:
    assert mended(text, 1) == mended(text, 9) == sound
