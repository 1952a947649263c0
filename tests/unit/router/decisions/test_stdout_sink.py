from __future__ import annotations

import asyncio
import json
import os

import pytest

from services.router.decision_records.sink import SinkDownError
from services.router.decision_records.stdout import StdoutSink
from tests.unit.router.decisions.samples import line


async def test_a_reader_that_stalls_gets_every_line_whole_later() -> None:
    reader, writer = os.pipe()
    sink = StdoutSink(writer, patience_s=0.01)
    lines = [line(str(number), size=10_000) for number in range(20)]  # more than a pipe holds
    with pytest.raises(SinkDownError):
        await sink.write(lines)

    def read() -> bytes:
        with os.fdopen(reader, "rb") as file:
            return file.read()

    reading = asyncio.create_task(asyncio.to_thread(read))
    while True:
        try:
            await sink.write(lines)
        except SinkDownError:  # the reader may be slow to start
            continue
        break
    os.close(writer)
    rows = (await reading).splitlines()
    assert [json.loads(row)["id"] for row in rows] == [str(number) for number in range(20)]


async def test_a_reader_that_is_gone_is_a_sink_that_is_down() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with pytest.raises(SinkDownError):
        await StdoutSink(writer).write([line("a")])
    os.close(writer)
