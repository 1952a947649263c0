"""Labels of references that an answer shows to the user."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.router.prompts import prompts
from services.router.prompts.prompts import Reference
from services.router.prompts.shown_labels import shown_labels
from services.router.types.conversation import Conversation
from services.router.types.messages import Message, Role

if TYPE_CHECKING:
    from collections.abc import Sequence

NONCE = "7f3a9c2e"


def prompt(
    question: str = "What is the capital of Cuba?", second: str = "It is Havana."
) -> Sequence[Message]:
    conversation = Conversation(messages=(Message(role=Role.USER, content=question),))
    texts = ("I do not know.", second)
    references = [
        Reference(label=f"R{n}", model_id=f"m{n}", text=text, cut_off=n == 2)
        for n, text in enumerate(texts, 1)
    ]
    return prompts.aggregator(conversation, references, NONCE)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("The answer is R2.", ("R2",)),
        ("R1, R2\n6.", ("R1", "R2")),
        ("Havana.", ()),
        ("R2D2 lives in AR2 and at R22.", ()),
        ("R3, although there are two.", ("R3",)),
        ("The road R70.", ()),
        ("The answer is:\n\n@reference 7f3a9c2", ("@reference 7f3a9c2",)),
        ("Write to @reference on any site.", ()),
        ("", ()),
    ],
)
def test_a_label_or_a_mark_is_found(text: str, shown: tuple[str, ...]) -> None:
    assert shown_labels(text, prompt(), NONCE) == shown


def test_a_label_that_the_user_or_another_model_wrote_may_be_repeated() -> None:
    assert not shown_labels("R2 is larger.", prompt("Which resistor is larger, R1 or R2?"), NONCE)
    assert not shown_labels("R2 is larger.", prompt(second="The resistor R2."), NONCE)


def test_a_prompt_without_references_shows_none() -> None:
    conversation = Conversation(messages=(Message(role=Role.USER, content="Name a Renault."),))
    assert not shown_labels("The R5.", prompts.proposer(conversation, [], NONCE), NONCE)
    assert not shown_labels("R2", [Message(role=Role.USER, content="Is it R1?")], "")
