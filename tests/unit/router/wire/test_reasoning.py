from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.router.backends.http.reasoning import ReasoningSplitter

soup = st.lists(
    st.sampled_from(["<think>", "</think>", "<", "think", ">", "/", " ", "\n", "x", "Eight."])
).map("".join)


def split(pieces: list[str], *, inside: bool = False) -> tuple[str, int]:
    splitter = ReasoningSplitter(inside=inside)
    answer = "".join(splitter.feed(piece) for piece in pieces) + splitter.finish()
    return answer, splitter.reasoning_characters


@given(soup | st.text(), st.integers(1, 7), st.booleans())
def test_a_stream_is_split_the_same_however_it_is_cut(text: str, size: int, inside: bool) -> None:
    pieces = [text[i : i + size] for i in range(0, len(text), size)]
    assert split(pieces, inside=inside) == split([text], inside=inside)


def test_reasoning_at_the_start_is_counted_and_left_out() -> None:
    assert split(["<think>7? 8!</think>\n\nEight."]) == ("Eight.", 5)


def test_reasoning_without_end_is_no_answer() -> None:
    assert split(["<think>7? 8!"]) == ("", 5)


def test_a_reply_that_starts_in_reasoning_holds_only_the_closing_mark() -> None:
    assert split(["7? 8!</think>Eight."], inside=True) == ("Eight.", 5)


def test_marks_within_an_answer_are_text() -> None:
    text = "Write <think> first, then </think>."
    assert split([text]) == (text, 0)


@given(st.text(alphabet="ab <\n").filter(lambda text: text.strip()))
def test_an_answer_without_reasoning_is_let_through_whole(text: str) -> None:
    assert split(list(text)) == (text, 0)


def test_a_server_that_separates_the_reasoning_leaves_the_answer_alone() -> None:
    splitter = ReasoningSplitter(inside=True)
    splitter.reasoning_is_apart()
    assert splitter.feed("Eight.") + splitter.finish() == "Eight."


def test_reasoning_that_has_begun_in_the_text_ends_in_it() -> None:
    splitter = ReasoningSplitter(inside=True)
    assert splitter.feed("7?") == ""
    splitter.reasoning_is_apart()
    assert splitter.feed(" 8!</think>Eight.") + splitter.finish() == "Eight."
