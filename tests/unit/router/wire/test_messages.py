"""Messages in the roles that a model accepts: none of the text is lost, and its order stays."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.backends.dialects.roles import OPENING, shaped
from services.router.pool.request_shape import RequestShape, SystemRole
from services.router.types.conversation import leading_system
from services.router.types.messages import Media, MediaKind, Message, Role, ToolCall

SYSTEM, USER, ASSISTANT = Role.SYSTEM, Role.USER, Role.ASSISTANT
texts = st.integers(0, 10**6).map(str)
turns = st.lists(st.tuples(st.sampled_from([USER, ASSISTANT, SYSTEM]), texts), max_size=6)
conversations = st.tuples(st.lists(texts, max_size=2), turns, texts).map(
    lambda parts: messages(*((SYSTEM, text) for text in parts[0]), *parts[1], (USER, parts[2]))
)
shapes = st.builds(
    RequestShape, system_role=st.sampled_from(SystemRole), alternate_roles=st.booleans()
)


def messages(*turns: tuple[Role, str]) -> tuple[Message, ...]:
    return tuple(Message(role=role, content=text) for role, text in turns)


def said(conversation: tuple[Message, ...]) -> list[str]:
    pieces = "\n\n".join(message.content for message in conversation).split("\n\n")
    return [piece for piece in pieces if piece != OPENING]


@given(conversations, shapes)
def test_all_text_is_sent_in_its_order(
    conversation: tuple[Message, ...], shape: RequestShape
) -> None:
    dropped = shape.system_role is SystemRole.NONE
    kept = tuple(m for m in conversation if not dropped or m.role is not SYSTEM)
    sent = shaped(conversation, shape)
    assert said(sent) == said(kept)
    assert sent[-1].role is USER
    for speaker in (USER, ASSISTANT):  # each text of theirs stays in the mouth of its speaker
        own = said(tuple(m for m in kept if m.role is speaker))
        assert set(own) <= set(said(tuple(m for m in sent if m.role is speaker)))


@given(conversations, shapes)
def test_the_roles_are_those_that_the_shape_allows(
    conversation: tuple[Message, ...], shape: RequestShape
) -> None:
    sent = shaped(conversation, shape)
    leading = len(leading_system(sent))
    speakers = [message.role for message in sent[leading:]]
    if shape.system_role in {SystemRole.USER, SystemRole.NONE}:
        assert leading == 0
        assert SYSTEM not in speakers
    if shape.alternate_roles:
        assert speakers[0] is USER
        assert SYSTEM not in speakers
        assert all(a is not b for a, b in itertools.pairwise(speakers))


@given(conversations, shapes)
def test_a_shaped_conversation_stays_as_it_is(
    conversation: tuple[Message, ...], shape: RequestShape
) -> None:
    once = shaped(conversation, shape)
    assert shaped(once, shape) == once


@pytest.mark.parametrize("role", [SystemRole.SYSTEM, SystemRole.DEVELOPER])
def test_an_ordinary_conversation_is_sent_as_it_is(role: SystemRole) -> None:
    ordinary = messages((SYSTEM, "Be brief."), (USER, "Hi"), (ASSISTANT, "Hello"), (USER, "Legs?"))
    assert shaped(ordinary, RequestShape(system_role=role)) == ordinary


def test_the_system_text_stands_at_the_start_of_the_first_user_message() -> None:
    user = RequestShape(system_role=SystemRole.USER)
    given_ = messages((SYSTEM, "Be brief."), (USER, "Hi"), (ASSISTANT, "Hello"), (USER, "Legs?"))
    assert shaped(given_, user) == messages(
        (USER, "Be brief.\n\nHi"), (ASSISTANT, "Hello"), (USER, "Legs?")
    )


def test_an_assistant_that_speaks_first_is_preceded_by_a_users_turn() -> None:
    greeting = messages((ASSISTANT, "Hello, how can I help?"), (USER, "Legs?"))
    assert shaped(greeting, RequestShape()) == messages(
        (USER, OPENING), *[(message.role, message.content) for message in greeting]
    )
    told = messages((SYSTEM, "Be brief."))
    sent = shaped((*told, *greeting), RequestShape(system_role=SystemRole.USER))
    assert sent == messages((USER, "Be brief."), (ASSISTANT, greeting[0].content), (USER, "Legs?"))
    assert shaped(greeting, RequestShape(alternate_roles=False)) == greeting


LATE = messages((SYSTEM, "Be brief."), (USER, "Hi"), (ASSISTANT, "Hello"), (SYSTEM, "In French."))
ASKED = messages((USER, "Legs?"), (SYSTEM, "One word."))


@pytest.mark.parametrize(
    ("shape", "sent"),
    [
        (
            RequestShape(),
            [
                (SYSTEM, "Be brief."),
                (USER, "Hi"),
                (ASSISTANT, "Hello"),
                (USER, "In French.\n\nLegs?\n\nOne word."),
            ],
        ),
        (
            RequestShape(system_role=SystemRole.USER),
            [
                (USER, "Be brief.\n\nHi"),
                (ASSISTANT, "Hello"),
                (USER, "In French.\n\nLegs?\n\nOne word."),
            ],
        ),
        (
            RequestShape(system_role=SystemRole.USER, alternate_roles=False),
            [
                (USER, "Be brief.\n\nHi"),
                (ASSISTANT, "Hello"),
                (USER, "In French."),
                (USER, "Legs?"),
                (USER, "One word."),
            ],
        ),
        (
            RequestShape(system_role=SystemRole.DEVELOPER, alternate_roles=False),
            [(message.role, message.content) for message in (*LATE, *ASKED)],
        ),
        (
            RequestShape(system_role=SystemRole.NONE),
            [(USER, "Hi"), (ASSISTANT, "Hello"), (USER, "Legs?")],
        ),
    ],
)
def test_a_later_system_text_keeps_its_place_in_a_role_that_the_model_takes(
    shape: RequestShape, sent: list[tuple[Role, str]]
) -> None:
    assert shaped((*LATE, *ASKED), shape) == messages(*sent)


CALL = ToolCall(id="call_1", name="f", arguments_json="{}")
IMAGE = Media(kind=MediaKind.IMAGE, url="https://example.org/a.png")


def test_messages_of_one_role_are_joined_with_their_media_and_their_calls() -> None:
    first = Message(role=USER, content="Look:", parts=("Look:", IMAGE))
    said = Message(role=ASSISTANT, content="Let me see.")
    asked = Message(role=ASSISTANT, tool_calls=(CALL,))
    result = Message(role=Role.TOOL, content="8", tool_call_id="call_1")
    shape = RequestShape(system_role=SystemRole.USER)
    sent = shaped((*messages((SYSTEM, "Be brief.")), first, said, asked, result, result), shape)
    assert sent == (
        Message(role=USER, content="Be brief.\n\nLook:", parts=("Be brief.", "Look:", IMAGE)),
        Message(role=ASSISTANT, content="Let me see.", tool_calls=(CALL,)),
        result,
        result,
    )
