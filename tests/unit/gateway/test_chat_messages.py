from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict

from services.gateway.api import ApiError
from services.gateway.chat.chat_request import read_chat


def messages(*given: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns the conversation of the request to the router as JSON."""
    call = read_chat({"model": "routemoa", "messages": list(given)}, {})
    return list(MessageToDict(call.request, preserving_proto_field_name=True)["messages"])


def test_notes_of_a_chat_page_in_messages_are_ignored() -> None:
    notes = {"metadata": {"title": None}, "options": []}
    text = [{"type": "text", "text": "8"}]
    assert messages(
        {"role": "user", "content": "Legs?", **notes},
        {"role": "assistant", "content": text, "reasoning": "Hm.", **notes},
    ) == [
        {"role": "ROLE_USER", "content": "Legs?"},
        {"role": "ROLE_ASSISTANT", "content": "8"},
    ]


@pytest.mark.parametrize(
    ("role", "field"),
    [("user", "tool_calls"), ("user", "mood"), ("assistant", "tool_call_id")],
)
def test_an_unknown_field_and_one_of_another_role_are_refused(role: str, field: str) -> None:
    with pytest.raises(ApiError) as caught:
        messages({"role": role, "content": "x", field: "call_1"})
    assert [problem.field for problem in caught.value.problems] == [f"messages[0].{field}"]
