"""Answers of a quorum that are worth merging before the late ones are there."""

from __future__ import annotations

import pytest

from services.router.engine.speculative_answer import worth_speculating
from services.router.routing.events import Answer


@pytest.mark.parametrize(
    ("texts", "is_worth_it"),
    [
        (["4", "5"], True),
        (["4", "4"], False),  # a majority: nothing to merge
        (["4", "Once upon a time"], False),  # nothing that a late one could decide
        (["Once upon a time", "It was a dark night"], False),
        (["4", "4", "5"], True),
    ],
)
def test_a_speculative_answer_is_worth_it_if_final_answers_differ(
    texts: list[str], is_worth_it: bool
) -> None:
    answers = [Answer(model_id=f"m{number}", text=text) for number, text in enumerate(texts)]
    assert worth_speculating(answers) is is_worth_it
