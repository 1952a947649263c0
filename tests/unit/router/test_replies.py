from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from services.router.prompts.prompts import Reference
from services.router.prompts.replies import read_reply

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
            *(MARK, NONCE, NONCE.upper(), f"@@end {NONCE} R1", "@@assessment ", "@@", "\\@", "**"),
            *("```", "\n", "\n---\n", "x", " R1", "{", "}", "[", "]", '"self_score"', ":", "0.5"),
        ]
    )
).map("".join)


@given(protocol_soup)
def test_no_text_with_the_nonce_survives_in_an_answer(text: str) -> None:
    assert NONCE not in read(text)[0].lower()


@given(protocol_soup | st.text(), st.sampled_from([0, 0.25, 1]))
def test_a_score_after_the_last_mark_is_read_whatever_comes_before(text: str, score: float) -> None:
    assert read(f'{text}\n{MARK} {{"self_score": {score}}}')[1] == score


WORDS = st.lists(
    st.sampled_from(["Eight", "legs.", "@@selection", "= 0", "`@@assessment`", "a@b.org"])
)


@given(WORDS.map(" ".join))
def test_an_answer_may_hold_words_of_the_protocol(text: str) -> None:
    assert read(f"{text} So.")[0] == f"{text} So.".strip()
    assert read(f'{text} So.\n{MARK} {{"self_score": 0.5}}')[0] == f"{text} So.".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A reply in one of the forms that models write, and what is to be read of it."""

    text: str
    answer: str = "A crab has ten legs."
    self_score: float | None = 0.62
    grades: dict[str, float] = field(default_factory=dict)


FORMS = [
    Form(**form)
    for form in yaml.safe_load(Path(__file__).with_name("reply_forms.yaml").read_text())
]


@pytest.mark.parametrize("form", FORMS, ids=[form.text[-60:] for form in FORMS])
def test_every_form_that_models_write_is_read(form: Form) -> None:
    text = form.text.replace("NONCE", NONCE).replace("UPPER", NONCE.upper())
    grades = {{"R1": "b", "R2": "c"}[label]: grade for label, grade in form.grades.items()}
    assert read(text) == (form.answer, form.self_score, grades)


ROOT = Path(__file__).parents[3]
LONG_ANSWERS = [*ROOT.glob("docs/*.md"), *ROOT.glob("services/router/[!p]*/*.py")]


@pytest.mark.parametrize("path", LONG_ANSWERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_documents_and_programs_are_kept_whole(path: Path) -> None:
    text = path.read_text().strip()
    assert read(text)[0] == text
    assert read(f'{text}\n{MARK} {{"self_score": 0.5}}')[:2] == (text, 0.5)
    assert read(f'{MARK} {{"self_score": 0.5}}\n{text}')[:2] == (text, 0.5)


FRAMES = st.sampled_from(
    [
        *(
            "{} {}",
            "**{}** {}",
            "**{} {}**",
            "`{} {}`",
            "`{}` `{}`",
            "({} {})",
            "[{} {}]",
            "> {} {}",
        ),
        *(
            "- {} {}",
            "1. {} {}",
            "### {}\n{}",
            "---\n{} {}",
            "{}: {}",
            "{} = {}",
            "{} - {}",
            "{}\n\n{}",
        ),
        *("```\n{} {}\n```", "```json\n{}\n{}\n```", "{}\n```yaml\n{}\n```", "<!-- {} {} -->"),
        *(
            "My assessment:\n{} {}",
            "**Confidence**\n\n{} {}",
            "{} {}\nThat is all.",
            "\r\n{} {}\r\n",
        ),
    ]
)
MARKS = st.sampled_from(
    [
        *("@@assessment N", "@@ASSESSMENT: N", "\\@\\@assessment N", "@assessment [N]", "@@N"),
        *(
            "\uff20\uff20assessment N",
            "&#64;&#64;assessment <N>",
            "@@assessment `N`",
            "assessment N",
        ),
    ]
)
OBJECTS = st.sampled_from(
    [
        *(
            '{"self_score": 0.62}',
            "{'self_score': 0.62,}",
            '{"self_score": "62%"}',
            "self_score: 0.62",
        ),
        *(
            '{"self-score": 0.62',
            '{"Self Score" = .62}',
            '{"self_score": "0.62/1"}',
            "{self\\_score: 0.62}",
        ),
        *('{"grades": {}, "self_score": 0.62}', '{\n  "self_score": 0.62  // of 1\n}'),
    ]
)


@given(FRAMES, MARKS, OBJECTS)
def test_any_markup_goes_with_any_mark_and_any_object(frame: str, mark: str, written: str) -> None:
    text = "Ten legs.\n\n" + frame.format(mark.replace("N", NONCE), written)
    assert read(text) == ("Ten legs.", 0.62, {})
