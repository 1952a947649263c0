"""The text of a further attempt, joined to the text before it."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from services.router.backends.call import ModelCall
from services.router.backends.replicas.resume import OverlapFilter, resume_request
from services.router.pool.model import PoolModel
from services.router.types.ledger import CallPurpose
from services.router.types.messages import Message, Role

MODEL = PoolModel.model_validate(
    {
        "id": "m",
        "url": "http://localhost/v1",
        "prompt_price_usd_per_million_tokens": 0,
        "completion_price_usd_per_million_tokens": 0,
        "context_window_tokens": 4096,
    }
)


def call(text: str) -> ModelCall:
    made = ModelCall(
        model=MODEL,
        messages=(Message(role=Role.USER, content="Why?"),),
        purpose=CallPurpose.ANSWER,
        layer_number=1,
    )
    made.add_text(text)
    return made


def fed(overlap: OverlapFilter, text: str, cuts: list[int]) -> str:
    ends = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    pieces = [text[a:b] for a, b in pairwise(ends)]
    return "".join(overlap.feed(piece) for piece in pieces) + overlap.finish()


CUTS = st.lists(st.integers(0, 400), max_size=10)


@given(text=st.text(max_size=200), at=st.integers(0, 200), cuts=CUTS)
def test_a_backend_that_goes_on_exactly_makes_the_text_whole(
    text: str, at: int, cuts: list[int]
) -> None:
    before = text[:at]
    goes_on = resume_request(call(before), exact=True)
    assert goes_on.messages == call("").messages
    rest = text.removeprefix(goes_on.partial)  # what such a backend writes
    assert before + fed(goes_on.overlap, rest, cuts) == text


@given(at=st.integers(20, 150), repeated=st.integers(0, 120), cuts=CUTS)
def test_what_a_backend_repeats_of_the_end_is_left_out(
    at: int, repeated: int, cuts: list[int]
) -> None:
    text = " ".join(f"word{number:03}" for number in range(40))  # nothing in it repeats
    before = text[:at]
    goes_on = resume_request(call(before), exact=False)
    assert [m.role for m in goes_on.messages] == [Role.USER, Role.ASSISTANT, Role.USER]
    assert goes_on.messages[1].content == before
    overlap = 0 if repeated < 8 else min(repeated, at)
    assert before + fed(goes_on.overlap, text[at - overlap :], cuts) == text


def test_a_letter_in_common_is_no_repetition() -> None:
    overlap = OverlapFilter("It ends in the", least=8)
    assert overlap.feed("end of all.") == "end of all."


def test_nothing_is_held_once_the_seam_is_clear() -> None:
    overlap = OverlapFilter("one two three", least=8)
    assert overlap.feed("x") == "x"
    assert overlap.feed("one two three") == "one two three"


def test_a_repetition_counts_from_its_least_length_on() -> None:
    for least, joined in ((3, "def"), (4, "abcdef")):
        overlap = OverlapFilter("xyz abc", least=least)
        assert overlap.feed("abcdef") + overlap.finish() == joined
