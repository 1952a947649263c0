"""Text in pieces."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from services.simulator.stream import EventWriter, split_pieces


@given(st.text())
def test_the_pieces_of_a_text_joined_are_the_text(text: str) -> None:
    assert "".join(split_pieces(text)) == text


def test_a_piece_is_a_short_word_with_the_space_before_it() -> None:
    assert split_pieces("A longish reply.\n") == ["A", " longis", "h", " reply.", "\n"]


@given(st.text(), st.lists(st.text()))
def test_every_event_of_a_piece_is_json_that_holds_it(model: str, texts: list[str]) -> None:
    writer = EventWriter(completion_id="1", created=0, model=model)
    events = [json.loads(event.removeprefix(b"data: ")) for event in writer.pieces(texts)]
    assert [event["choices"][0]["delta"] for event in events] == [{"content": t} for t in texts]
    assert all(event["model"] == model for event in events)
