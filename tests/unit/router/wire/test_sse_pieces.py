"""However an event stream is cut into pieces, its events are those of a plain decoder."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from services.router.backends.http.decoders import SseDecoder

characters = st.characters(exclude_characters="\r\n", exclude_categories=["Cs"])
texts = st.one_of(st.text(characters, max_size=12), st.sampled_from(['{"a": [1]}', "[DONE]", "7"]))
other_lines = st.one_of(
    st.sampled_from(["id: 7", "retry:3", "event: chunk", "event", "dat: x", " data: x", "x"]),
    st.text(characters, max_size=5).map(lambda comment: f":{comment}"),
)
newlines = st.sampled_from(["\n", "\n", "\r\n", "\r"])


def data_line(text: str, *, spaced: bool = True) -> str:
    return f"data: {text}" if spaced else f"data:{text}"


def unfinished(text: str) -> bool:
    """Returns whether more lines may follow: the decoder gives out an object without waiting."""
    return not text.rstrip().endswith(("}", "]"))


one_line = texts.map(lambda text: [data_line(text)])
without_space = texts.map(lambda text: [data_line(text, spaced=False)])
error = st.builds(
    lambda text, spaced: ["event: error", data_line(text, spaced=spaced)], texts, st.booleans()
)
several_lines = st.builds(
    lambda before, first, last: [*before, *map(data_line, first), "data", f"data:{last}"],
    st.lists(other_lines, max_size=2),
    st.lists(texts.filter(unfinished), max_size=3),
    texts,
)
no_data = st.lists(other_lines, max_size=2)
blocks = st.builds(
    lambda lines, newline: "".join(f"{line}{newline}" for line in [*lines, ""]),
    st.one_of(one_line, one_line, one_line, without_space, several_lines, error, no_data),
    newlines,
)


@dataclass(frozen=True)
class Stream:
    """An event stream, and where it is cut."""

    text: str
    cuts: tuple[int, ...]
    """Positions in its bytes, ascending."""

    def events(self) -> list[str]:
        """Returns the events that come out of the pieces."""
        decoder, data = SseDecoder(), self.text.encode()
        pieces = [data[start:end] for start, end in pairwise([0, *self.cuts, len(data)])]
        return [event for piece in pieces for event in decoder.feed(piece)] + decoder.finish()


@st.composite
def streams(draw: st.DrawFn) -> Stream:
    """Draws streams that are cut anywhere, and often at the ends of events."""
    parts = draw(st.lists(blocks, max_size=8))
    bom = draw(st.sampled_from(["", "", "\ufeff"]))
    text = bom + "".join(parts)
    ends = [len((bom + "".join(parts[:count])).encode()) for count in range(len(parts) + 1)]
    places = st.one_of(st.integers(0, len(text.encode())), st.sampled_from(ends))
    return Stream(text, tuple(sorted(draw(st.lists(places, max_size=12)))))


def plain_events(text: str) -> list[str]:
    """Returns the events of a whole stream, as the HTML standard (9.2.6) reads it, line by line."""
    events: list[str] = []
    data: list[str] = []
    kind = ""
    for line in re.split("\r\n|\r|\n", text.removeprefix("\ufeff")):
        name, _, value = line.partition(":")
        if name == "data" and line:
            data.append(value.removeprefix(" "))
        elif name == "event":
            kind = value.strip()
        elif not line:
            if data:
                events.append(as_error("\n".join(data)) if kind == "error" else "\n".join(data))
            data, kind = [], ""
    return events


def as_error(text: str) -> str:
    """Returns the data of an event of the type `error` as the decoder does."""
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    return json.dumps({"error": value or text or "error"})


@given(streams())
@example(Stream("event: error\ndata: x\n\n", (13,)))
@example(Stream("data: a\n\n\ndata: b\n\n", ()))
@example(Stream("data:a\n\ndata: b\n\n", ()))
@example(Stream("data: a\n\n: x\n\ndata: b\n\n", ()))
@example(Stream("data: a\ndata: b\n\ndata: c\n\n", ()))
@example(Stream("data: a\ndata: b\n\n", (8,)))
@example(Stream("data: a\r\n\r\n", (8, 9, 10)))
def test_the_events_are_those_of_a_plain_decoder(stream: Stream) -> None:
    assert stream.events() == plain_events(stream.text)
