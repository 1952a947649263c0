"""Final answers whose writer is silent, stalls or fails while other writers stand beside it."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from services.router.backends.http.usage import Usage
from services.router.engine.final_answer import Writer, write_final
from services.router.routing.events import Answer, Delta, Reset, Resumed
from services.router.types.deadline import Deadline
from services.router.types.ledger import AttemptKind, CallStatus, FinishReason
from tests.unit.router.runs import run_of
from tests.unit.router.scripted import ScriptedGenerator, Step, model_call
from tests.virtual_time import virtually

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from services.router.backends.call import ModelCall, Stream
    from services.router.engine.run import Run

OK, CANCELLED, TIMEOUT = CallStatus.OK, CallStatus.CANCELLED, CallStatus.TIMEOUT
BROKEN = CallStatus.INTERRUPTED


@dataclass
class Seen:
    """The events of a final answer with their times, and its run."""

    run: Run
    events: list[tuple[float, Delta | Reset | Resumed]] = field(default_factory=list)
    asked_s: list[float] = field(default_factory=list)
    """The times at which a further writer was asked for."""

    @property
    def steps(self) -> list[tuple[float, str]]:
        """Returns the time and the text of each delta, or the status of each reset."""
        return [
            (at_s, event.text if isinstance(event, Delta) else event.status.name)
            for at_s, event in self.events
        ]

    @property
    def final(self) -> tuple[str, str] | None:
        final = self.run.final
        return None if final is None else (final.model_id, final.text)

    @property
    def statuses(self) -> dict[str, CallStatus]:
        return {entry.model_id: entry.status for entry in self.run.ledger.entries}


async def written(
    scripts: Mapping[str, Sequence[Step]],
    *,
    first_text_s: float = 2.0,
    deadline_s: float = 20.0,
    stream: Stream | None = None,
    seen: Seen | None = None,
) -> Seen:
    """Has the first model write and the others stand beside it, and returns what the caller sees.

    Args:
        scripts: The steps of each model; the first one writes first.
        first_text_s: Silence of a writer after which a further one starts.
        deadline_s: The caller's time.
        stream: Runs the calls instead of the scripts.
        seen: Is filled with the events as they come.
    """
    clock = asyncio.get_running_loop().time
    seen = seen or Seen(run_of(dict.fromkeys("abc", 0.5), deadline=Deadline.after(deadline_s)))
    started_s = clock()
    streams = stream or ScriptedGenerator(scripts).stream
    waiting = [model_call(model_id) for model_id in scripts]

    def writer() -> Writer:
        return Writer(call=waiting.pop(0), stream=streams, first_text=Deadline.after(first_text_s))

    async def next_writer() -> Writer | None:
        seen.asked_s.append(round(clock() - started_s, 2))
        return writer() if waiting else None

    async with aclosing(write_final(seen.run, writer(), next_writer=next_writer)) as events:
        async for event in events:
            seen.events.append((round(clock() - started_s, 2), event))
    return seen


@virtually
async def test_the_first_of_two_writers_to_write_is_shown_and_the_other_is_stopped() -> None:
    seen = await written({"a": [(60.0, "slow")], "b": [(1.0, "Ei"), (1.0, "ght.")]})
    assert seen.asked_s == [2.0]
    assert seen.steps == [(3.0, "Ei"), (4.0, "ght.")]
    assert seen.final == ("b", "Eight.")
    assert seen.statuses == {"a": TIMEOUT, "b": OK}


@virtually
async def test_a_silent_writer_may_still_come_first_and_the_one_beside_it_is_not_blamed() -> None:
    seen = await written({"a": [(2.5, "Eight.")], "b": [(1.0, "slow")]})
    assert seen.steps == [(2.5, "Eight.")]
    assert seen.final == ("a", "Eight.")
    assert seen.statuses == {"a": OK, "b": CANCELLED}


@virtually
async def test_one_writer_after_another_starts_while_all_are_silent() -> None:
    seen = await written({"a": [(60.0, "")], "b": [(60.0, "")], "c": [(1.0, "Eight.")]})
    assert seen.asked_s == [2.0, 4.0]
    assert seen.final == ("c", "Eight.")
    assert seen.statuses == {"a": TIMEOUT, "b": TIMEOUT, "c": OK}


@virtually
async def test_without_a_further_writer_the_silent_one_has_all_the_time() -> None:
    seen = await written({"a": [(19.0, "Eight.")]})
    assert seen.asked_s == [2.0]
    assert seen.final == ("a", "Eight.")


@virtually
async def test_a_writer_that_stalls_for_half_of_the_time_left_gives_way_to_another() -> None:
    # Shown at 2 s of 20 s, so it may be silent until 11 s.
    seen = await written(
        {"a": [(2.0, "Ei"), (60.0, "ght.")], "b": [(3.0, "Eight legs.")]}, first_text_s=5.0
    )
    assert seen.asked_s == [11.0]
    assert seen.steps == [(2.0, "Ei"), (14.0, "TIMEOUT"), (14.0, "Eight legs.")]
    assert seen.final == ("b", "Eight legs.")
    assert seen.statuses == {"a": TIMEOUT, "b": OK}


@virtually
async def test_a_writer_that_goes_on_writing_is_not_late() -> None:
    pieces: list[Step] = [(2.0, "Ei"), (8.0, "ght"), (4.9, " legs"), (2.4, ".")]
    seen = await written({"a": pieces, "b": [(0.1, "Never.")]}, first_text_s=5.0)
    assert seen.asked_s == []
    assert seen.final == ("a", "Eight legs.")


@virtually
async def test_a_stalled_writer_that_goes_on_before_another_has_begun_stays_shown() -> None:
    seen = await written(
        {"a": [(2.0, "Ei"), (10.0, "ght"), (1.0, ".")], "b": [(2.5, "Never.")]}, first_text_s=5.0
    )
    assert seen.asked_s == [11.0]
    assert seen.steps == [(2.0, "Ei"), (12.0, "ght"), (13.0, ".")]
    assert seen.final == ("a", "Eight.")
    assert seen.statuses == {"a": OK, "b": CANCELLED}


@virtually
async def test_a_stalled_writer_gives_way_to_one_that_wrote_meanwhile() -> None:
    # Both start before either writes; "a" is shown first and stalls from 3 s on.
    seen = await written(
        {"a": [(3.0, "Ei"), (60.0, "ght.")], "b": [(1.5, "Eight "), (1.0, "legs"), (9.0, ".")]},
    )
    assert seen.asked_s == [2.0]
    assert seen.steps == [
        (3.0, "Ei"),
        (11.5, "TIMEOUT"),
        (11.5, "Eight legs"),
        (13.5, "."),
    ]
    assert seen.final == ("b", "Eight legs.")
    assert seen.statuses == {"a": TIMEOUT, "b": OK}


@virtually
async def test_a_whole_reply_is_shown_before_one_that_has_only_begun() -> None:
    scripts: dict[str, list[Step]] = {
        "a": [(4.2, "Ei"), (60.0, "")],
        "b": [(2.3, "begun"), (60.0, "")],
        "c": [(0.5, "Eight legs.")],
    }
    seen = await written(scripts)
    assert seen.steps == [(4.2, "Ei"), (12.1, "TIMEOUT"), (12.1, "Eight legs.")]
    assert seen.final == ("c", "Eight legs.")


@virtually
async def test_a_writer_that_fails_gives_way_to_one_that_has_begun() -> None:
    seen = await written({"a": [(3.0, "Ei"), (2.0, BROKEN)], "b": [(2.0, "Eight"), (2.0, ".")]})
    assert seen.steps == [(3.0, "Ei"), (5.0, "INTERRUPTED"), (5.0, "Eight"), (6.0, ".")]
    assert seen.final == ("b", "Eight.")
    assert seen.statuses == {"a": BROKEN, "b": OK}


@virtually
async def test_a_writer_beside_the_shown_one_that_fails_changes_nothing() -> None:
    seen = await written({"a": [(3.0, "Ei"), (3.0, "ght.")], "b": [(2.0, BROKEN)]})
    assert seen.steps == [(3.0, "Ei"), (6.0, "ght.")]
    assert seen.statuses == {"a": OK, "b": BROKEN}


@virtually
async def test_a_writer_that_fails_in_silence_leaves_the_other_to_write() -> None:
    seen = await written({"a": [(2.5, CallStatus.UNREACHABLE)], "b": [(3.0, "Eight.")]})
    assert seen.steps == [(5.0, "Eight.")]
    assert seen.final == ("b", "Eight.")


@virtually
async def test_a_failed_writer_is_not_followed_by_another_within_the_same_answer() -> None:
    seen = await written({"a": [(1.0, CallStatus.UNREACHABLE)], "b": [(1.0, "Eight.")]})
    assert seen.asked_s == []
    assert (seen.events, seen.final) == ([], None)


@virtually
async def test_if_all_writers_fail_what_was_shown_is_void() -> None:
    seen = await written({"a": [(3.0, "Ei"), (3.0, BROKEN)], "b": [(2.0, "E"), (1.0, BROKEN)]})
    assert seen.steps == [(3.0, "Ei"), (6.0, "INTERRUPTED")]
    assert seen.final is None
    assert seen.statuses == {"a": BROKEN, "b": BROKEN}


@virtually
async def test_at_the_deadline_a_whole_reply_replaces_the_one_that_is_still_written() -> None:
    pieces: list[Step] = [(3.0, "Ei"), *[(0.01, ".")] * 900]
    seen = await written({"a": pieces, "b": [(2.0, "Eight legs.")]}, deadline_s=10.0)
    (reset_s, status), (whole_s, text) = seen.steps[-2:]
    assert (status, text) == ("TIMEOUT", "Eight legs.")
    assert reset_s == whole_s == pytest.approx(10.0, abs=0.03)
    assert seen.final == ("b", "Eight legs.")
    assert seen.statuses == {"a": TIMEOUT, "b": OK}


@virtually
async def test_at_the_deadline_an_unfinished_reply_is_the_answer_and_marked_as_such() -> None:
    pieces: list[Step] = [(1.0, "Ei"), *[(1.1, ".")] * 40]
    seen = await written({"a": pieces}, deadline_s=10.0)
    assert seen.final == ("a", "Ei........")
    assert "TIMEOUT" not in [step for _, step in seen.steps]
    assert seen.run.final is not None
    assert seen.run.final.finish_reason is FinishReason.DEADLINE
    assert seen.statuses == {"a": TIMEOUT}


@virtually
async def test_beside_whole_answers_an_unfinished_merge_is_void() -> None:
    run = run_of({"a": 0.5}, deadline=Deadline.after(10))
    run.answers = (Answer(model_id="b", text="Eight."),)
    seen = await written({"a": [(1.0, "Ei"), *[(1.1, ".")] * 40]}, seen=Seen(run))
    assert seen.steps[-1] == (10.0, "TIMEOUT")
    assert seen.final is None


@virtually
async def test_silence_to_the_deadline_shows_nothing() -> None:
    seen = await written({"a": [(60.0, "")], "b": [(60.0, "")]}, deadline_s=10.0)
    assert seen.events == []
    assert seen.asked_s == [2.0, 4.0]
    assert seen.statuses == {"a": TIMEOUT, "b": TIMEOUT}


@virtually
async def test_no_writer_is_asked_for_once_the_time_is_over() -> None:
    seen = await written({"a": [(60.0, "")], "b": [(1.0, "")]}, first_text_s=10.0, deadline_s=10.0)
    assert seen.asked_s == []
    assert seen.statuses == {"a": TIMEOUT}


@virtually
async def test_another_writer_starts_however_short_the_time_left() -> None:
    seen = await written(
        {"a": [(60.0, "")], "b": [(0.1, "Eight.")]}, first_text_s=9.5, deadline_s=10.0
    )
    assert seen.asked_s == [9.5]
    assert seen.final == ("b", "Eight.")


@virtually
async def test_an_unexpected_error_of_one_writer_ends_its_call_and_another_one_answers(
    unexpected_failures: list[str],
) -> None:
    async def stream(call: ModelCall) -> AsyncGenerator[str, None]:
        await asyncio.sleep(1.0 if call.model.id == "b" else 4.0)
        yield f"{1 // 0}" if call.model.id == "b" else "Eight."

    seen = await written({"a": [], "b": []}, stream=stream)
    assert seen.final == ("a", "Eight.")
    assert seen.statuses == {"a": OK, "b": CallStatus.MALFORMED}
    assert len(unexpected_failures) == 1
    unexpected_failures.clear()


@virtually
async def test_a_caller_that_goes_away_is_billed_for_what_was_begun() -> None:
    seen = Seen(run_of(dict.fromkeys("ab", 0.5), deadline=Deadline.after(20)))
    asked = asyncio.create_task(written({"a": [(1.0, "Ei"), (60.0, "")]}, seen=seen))
    await asyncio.sleep(1.5)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert seen.statuses == {"a": CANCELLED}
    assert seen.final is None


@virtually
async def test_a_call_is_booked_only_after_it_has_stopped() -> None:
    async def stream(call: ModelCall) -> AsyncGenerator[str, None]:
        attempt = await call.attempt("http://localhost", AttemptKind.FIRST)
        try:
            await asyncio.sleep(60.0)
            yield ""
        finally:
            attempt.exchange.reported = Usage(prompt_tokens=7, completion_tokens=3)

    seen = await written({"a": []}, stream=stream, deadline_s=10.0)
    assert [entry.completion_tokens for entry in seen.run.ledger.entries] == [3]


@virtually
async def test_a_resumption_is_reported_only_of_the_reply_that_is_shown() -> None:
    resumed = {name: Resumed(model_id=name, status=BROKEN) for name in "ab"}

    async def stream(call: ModelCall) -> AsyncGenerator[str | Resumed, None]:
        name = call.model.id
        await asyncio.sleep(3.0 if name == "a" else 0.5)
        if name == "b":
            yield resumed[name]
            await asyncio.sleep(60.0)
        yield "Ei"
        yield resumed[name]
        yield "ght."

    seen = await written({"a": [], "b": []}, stream=stream)
    assert [event for _, event in seen.events] == [
        Delta(text="Ei"),
        resumed["a"],
        Delta(text="ght."),
    ]


@virtually
async def test_the_final_answer_has_the_tokens_of_its_call_and_the_time_of_its_first_text() -> None:
    async def stream(call: ModelCall) -> AsyncGenerator[str, None]:
        attempt = await call.attempt("http://localhost", AttemptKind.FIRST)
        await asyncio.sleep(1.0)
        attempt.exchange.first_piece_s = asyncio.get_running_loop().time()
        yield "Eight."
        attempt.exchange.reported = Usage(prompt_tokens=7, completion_tokens=3)

    seen = await written({"a": []}, stream=stream)
    final = seen.run.final
    assert final is not None
    assert (final.prompt_tokens, final.completion_tokens) == (7, 3)
    assert seen.run.timing.first_delta_s == pytest.approx(1.0)
