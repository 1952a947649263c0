from __future__ import annotations

from dataclasses import replace

from structlog.testing import capture_logs

from services.router.telemetry.call_log import INTERVAL_S, CallLog
from services.router.types.ledger import CallStatus
from tests.unit.router.runs import ENTRY


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_a_model_that_keeps_failing_has_a_line_per_second_and_cause_that_counts_the_others() -> (
    None
):
    clock = Clock()
    log = CallLog(clock)
    failed = replace(ENTRY, status=CallStatus.TIMEOUT)
    with capture_logs() as lines:
        for _ in range(5):
            log.record(failed)
        log.record(replace(ENTRY, status=CallStatus.UNREACHABLE))
        clock.now_s = INTERVAL_S
        log.record(failed)
        clock.now_s = 3 * INTERVAL_S
        log.record(failed)
    assert [(line["status"], line["left_out"]) for line in lines] == [
        ("TIMEOUT", 0),
        ("UNREACHABLE", 0),
        ("TIMEOUT", 4),
        ("TIMEOUT", 0),
    ]


def test_answers_and_calls_that_the_router_stopped_are_no_failures() -> None:
    with capture_logs() as lines:
        for status in (CallStatus.OK, CallStatus.CANCELLED):
            CallLog().record(replace(ENTRY, status=status))
    assert lines == []


def test_the_words_of_a_backend_are_not_logged() -> None:
    entry = replace(ENTRY, status=CallStatus.REJECTED, backend_message="bad prompt: my secret")
    with capture_logs() as lines:
        CallLog().record(entry)
    assert "secret" not in repr(lines)
