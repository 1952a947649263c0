"""The end of an answer, in the words of OpenAI's chat completions."""

from __future__ import annotations

import pytest

from routemoa.v1 import model_pb2
from services.gateway.chat.chat_reply import finish_reason


@pytest.mark.parametrize(
    ("ended", "name"),
    [
        (model_pb2.FINISH_REASON_STOP, "stop"),
        (model_pb2.FINISH_REASON_LENGTH, "length"),
        (model_pb2.FINISH_REASON_DEADLINE, "length"),
        (model_pb2.FINISH_REASON_CONTENT_FILTER, "content_filter"),
    ],
)
def test_a_cut_off_answer_is_never_presented_as_complete(
    ended: model_pb2.FinishReason.ValueType, name: str
) -> None:
    assert finish_reason(model_pb2.Answer(text="Ei", finish_reason=ended)) == name
