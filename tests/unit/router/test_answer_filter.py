"""Marks of references that a model copies into an answer, whole or as it streams."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.router.prompts.answer_filter import AnswerFilter
from services.router.prompts.replies import read_answer

NONCE = "7f3a9c2e"
END = f"@@end {NONCE} R1"


def streamed(*pieces: str, nonce: str = NONCE) -> list[str]:
    """Returns what is shown after each piece, and at the end."""
    answer = AnswerFilter(nonce)
    return [*(answer.feed(piece) for piece in pieces), answer.finish()]


@pytest.mark.parametrize(
    ("pieces", "shown"),
    [
        (["Eight", " legs."], ["Eight", " legs.", ""]),
        (["write to a@b", " today"], ["write to a@b", " today", ""]),
        # What could be the start of a mark waits until that is settled.
        (["mail me @", "home"], ["mail me ", "@home", ""]),
        (["the end@"], ["the end", "@"]),
        (["@@", "x"], ["", "@@x", ""]),
        (["x @@ref", "actoring"], ["x ", "@@refactoring", ""]),
        (["x @@end ", "7f3a ", "x"], ["x ", "@@end 7f3a ", "x", ""]),
        (["see @@property of an object"], ["see @@property of an object", ""]),
        (["x 7f3a9c2", "e R1"], ["x ", "", ""]),
        (["x 7", "f3a9c2e R1"], ["x ", "", ""]),
        (["7f3", "a9c2f"], ["", "7f3a9c2f", ""]),
        (["ends in \\", "alpha"], ["ends in ", "\\alpha", ""]),
        # A mark after some text ends the answer.
        (["Eight.\n@@ref", f"erence {NONCE} R1", " more"], ["Eight.\n", "", "", ""]),
        ([f"Eight.\n{END} tail", "more"], ["Eight.", "", ""]),
        (["Eight. ", f"\\@\\@end {NONCE} R1"], ["Eight. ", "", ""]),
        (["Eight. \uff20", f"\uff20END {NONCE.upper()} R1"], ["Eight. ", "", ""]),
        (["Eight ", NONCE, " x"], ["Eight ", "", "", ""]),
        # Marks before it are left out.
        (
            [f"@@reference {NONCE}", " R", "1\nEight", f" legs.\n{END}"],
            ["", "", "Eight", " legs.", ""],
        ),
        ([f"{END}\n{END}\n", "Eight"], ["", "Eight", ""]),
        ([f"{END}"], ["", ""]),
        ([NONCE], ["", ""]),
    ],
)
def test_a_stream_is_shown_at_once_but_for_what_may_be_a_mark(
    pieces: list[str], shown: list[str]
) -> None:
    assert streamed(*pieces) == shown


def test_a_mark_that_was_removed_is_not_taken_for_the_start_of_another() -> None:
    assert streamed("ab0000ab0", "x", nonce="ab0000ab") == ["", "0x", ""]


@pytest.mark.parametrize(
    "text",
    [
        "class A\n  @@selection = 0\n  def self.n = @@end\nend",
        'The line @@assessment 00c0ffee {"self_score": 0.5} holds scores.',
        "@@reference 00c0ffee R1\nEight.\n@@end 00c0ffee R1",
        "@@assessment",
    ],
)
def test_words_of_the_protocol_without_the_nonce_of_the_call_are_part_of_the_answer(
    text: str,
) -> None:
    assert "".join(streamed(text)) == text
    assert "".join(streamed(*text)) == text


@given(st.text() | st.lists(st.sampled_from([END, "@@", "x", "\n"])).map("".join))
def test_nothing_is_removed_from_a_reply_to_a_call_without_marks(text: str) -> None:
    assert "".join(streamed(*text, nonce="")) == text


PIECES = st.sampled_from(
    [
        END,
        "@@",
        "@",
        "\\",
        "\uff20",
        "reference",
        "end",
        " ",
        "\n",
        "x",
        "7f3a",
        "9c2e",
        NONCE.upper(),
        NONCE,
        " R1",
        "R2:",
        "**",
        "`",
        "Eight.",
        f"@@references {NONCE}\n",
        "\\@\\@end ",
    ]
)


@example(f"\\@\\@end {NONCE}", [1])
@given(st.lists(PIECES).map("".join) | st.text(), st.lists(st.integers(1, 9), min_size=1))
def test_a_stream_shows_the_same_however_it_is_cut(text: str, sizes: list[int]) -> None:
    pieces: list[str] = []
    at = 0
    while at < len(text):
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(text[at : at + size])
        at += size
    shown = "".join(streamed(*pieces))
    assert shown.strip() == "".join(streamed(text)).strip() == read_answer(text, NONCE)
    assert NONCE not in shown.lower()


@given(st.text(alphabet="ab7f @\\\n."))
def test_a_stream_without_the_nonce_is_shown_whole(text: str) -> None:
    assert "".join(streamed(*text)) == text
