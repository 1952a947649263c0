"""Text is cut before the first stop sequence that is complete, however it comes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.router.backends.http.replies.stop_sequences import StopFilter

letters = st.text("ab\n", max_size=30)
stops = st.lists(st.text("ab\n", min_size=1, max_size=5), min_size=1, max_size=4)


def cut(text: str, sequences: list[str], size: int) -> tuple[str, bool]:
    stop = StopFilter(sequences)
    parts = [stop.feed(text[at : at + size]) for at in range(0, len(text), size)]
    return "".join(parts) + stop.finish(), stop.stopped


@given(letters, stops, st.integers(1, 31))
def test_a_text_is_cut_alike_whole_and_in_pieces(
    text: str, sequences: list[str], size: int
) -> None:
    complete = [
        end for end in range(len(text) + 1) if any(text[:end].endswith(stop) for stop in sequences)
    ]
    expected = text
    if complete:
        end = complete[0]
        longest = max((stop for stop in sequences if text[:end].endswith(stop)), key=len)
        expected = text[: end - len(longest)]
    assert cut(text, sequences, size) == (expected, bool(complete))


def test_text_that_may_be_the_start_of_a_stop_sequence_is_held() -> None:
    stop = StopFilter(["END"])
    assert stop.feed("the E") == "the "
    assert stop.feed("N") == ""
    assert stop.feed("T") == "ENT"
    assert stop.feed("END more") == ""
    assert stop.stopped
    assert stop.feed("more") == ""
