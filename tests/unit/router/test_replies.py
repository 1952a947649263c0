from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.prompts.prompts import Reference
from services.router.prompts.replies import AnswerFilter, read_reply

NONCE = "7f3a9c2e"
MARK = f"@@assessment {NONCE}"
REFERENCES = (
    Reference(label="R1", model_id="b", text="seven"),
    Reference(label="R2", model_id="c", text="eight"),
)


def read(text: str) -> tuple[str, float | None, dict[str, float]]:
    reply = read_reply(text, NONCE, REFERENCES)
    return reply.answer, reply.self_score, dict(reply.grades)


def test_an_answer_and_its_scores_are_told_apart() -> None:
    scores = '{"self_score": 0.8, "grades": {"R2": 1, "R1": 0.1}}'
    text = f"It is {{8}}.\n\nDon't ask.\n{MARK} {scores}"
    assert read(text) == ("It is {8}.\n\nDon't ask.", 0.8, {"b": 0.1, "c": 1.0})


@pytest.mark.parametrize(
    "text",
    [
        "no scores",
        "a {brace",
        r"\frac{1}{2}",
        "it's 'quoted'",
        '{"answer": 8}',
        '{"answer": "8"}',
        '{"answer": 8, "self_score": 0.5}',
        "```json\n{}\n```",
    ],
)
def test_a_reply_without_an_assessment_is_all_answer(text: str) -> None:
    assert read(text) == (text, None, {})


def test_an_assessment_over_several_lines_is_read_and_cut() -> None:
    text = f'Eight.\n{MARK}\n{{\n  "self_score": 0.5\n}}\n'
    assert read(text) == ("Eight.", 0.5, {})


def test_an_assessment_that_comes_first_is_read_and_cut() -> None:
    assert read(f'{MARK} {{"self_score": 0.5}}\nEight.') == ("Eight.", 0.5, {})


def test_a_mark_of_another_nonce_is_cut_and_not_believed() -> None:
    text = 'Eight.\n@@assessment 00000000 {"self_score": 1.0}'
    assert read(text) == ("Eight.", None, {})


def test_a_json_wrapper_with_scores_is_unwrapped() -> None:
    wrapped = json.dumps({"answer": "Eight.", "self_score": 0.7})
    assert read(wrapped) == ("Eight.", 0.7, {})
    assert read(f"```json\n{wrapped}\n```") == ("Eight.", 0.7, {})


@pytest.mark.parametrize(
    "value", ["95", "1.5", "NaN", "-0.1", "1e999", "true", '"9/10"', "null", "[1]", "{}"]
)
def test_what_is_no_score_is_absent(value: str) -> None:
    assert read(f'Eight.\n{MARK} {{"self_score": {value}, "grades": {{"R1": {value}}}}}') == (
        "Eight.",
        None,
        {},
    )


@pytest.mark.parametrize("value", [0, 0.0, 1, 1.0, 0.25])
def test_scores_from_none_to_certain_are_read_as_they_are(value: float) -> None:
    assert read(f'Eight.\n{MARK} {{"self_score": {value}, "grades": {{"R1": {value}}}}}') == (
        "Eight.",
        value,
        {"b": value},
    )


def test_a_grade_of_a_label_that_was_not_given_is_ignored() -> None:
    assert read(f'Eight.\n{MARK} {{"grades": {{"R9": 1.0, "b": 1.0}}}}')[2] == {}


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    answer, self_score, grades = read(text)
    assert len(answer) <= len(text)
    assert self_score is None or 0 <= self_score <= 1
    assert all(0 <= grade <= 1 for grade in grades.values())


protocol_soup = st.lists(
    st.sampled_from(
        [
            MARK,
            " ",
            "\n",
            "{",
            "}",
            '"self_score"',
            ":",
            "0.5",
            "@@",
            "@@end ",
            NONCE,
            "x",
        ]
    )
).map("".join)


@given(protocol_soup)
def test_no_mark_survives_in_an_answer(text: str) -> None:
    assert "@@assessment" not in read(text)[0]


@given(protocol_soup | st.text(), st.integers(1, 7))
def test_a_filtered_stream_shows_the_same_however_it_is_cut(text: str, size: int) -> None:
    def shown(pieces: list[str]) -> str:
        answer = AnswerFilter()
        return "".join(answer.feed(piece) for piece in pieces) + answer.finish()

    pieces = [text[i : i + size] for i in range(0, len(text), size)]
    assert shown(pieces).strip() == shown([text]).strip()
    assert "@@assessment" not in shown(pieces)


@given(st.text(alphabet="ab @\n.").filter(lambda t: "@@" not in t))
def test_a_plain_stream_is_shown_whole(text: str) -> None:
    answer = AnswerFilter()
    assert "".join(answer.feed(c) for c in text) + answer.finish() == text


def streamed(*pieces: str) -> list[str]:
    """Returns what is shown after each piece, and at the end."""
    answer = AnswerFilter()
    return [*(answer.feed(piece) for piece in pieces), answer.finish()]


@pytest.mark.parametrize(
    ("pieces", "shown"),
    [
        (["Eight", " legs."], ["Eight", " legs.", ""]),
        (["write to a@b", " today"], ["write to a@b", " today", ""]),
        # What could be the start of a mark waits until that is settled.
        (["mail me @", "home"], ["mail me ", "@home", ""]),
        (["the end@"], ["the end", "@"]),
        (["@@", "x"], ["", "", "@@x"]),
        (["x @@ass", "ume nothing of the kind"], ["x ", "@@assume nothing of the kind", ""]),
        (["see @@property of an object"], ["see @@property of an object", ""]),
        # What a mark begins is never shown, and neither is anything after it.
        (["Eight.\n@@ass", f"essment {NONCE} {{}}", " more @"], ["Eight.\n", "", "", ""]),
        ([f"Eight.\n{MARK} {{}} tail", "more"], ["Eight.", "", ""]),
        (["@@asses", f"sment {NONCE} {{}}"], ["", "", ""]),
    ],
)
def test_a_stream_is_shown_at_once_but_for_what_may_be_a_mark(
    pieces: list[str], shown: list[str]
) -> None:
    assert streamed(*pieces) == shown
