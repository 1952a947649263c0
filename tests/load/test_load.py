"""The load test loads every unary method, and none of its requests is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.local.stack import StackConfig, running_stack
from tests.conformance.messages import METHODS
from tests.load import __main__ as loading
from tests.load import tool
from tests.toolchain import missing

if TYPE_CHECKING:
    from pathlib import Path


def test_every_unary_method_is_loaded() -> None:
    unary = {
        f"{method.containing_service.full_name}/{name}"
        for name, method in METHODS.items()
        if not method.server_streaming
    }
    needs_a_decision = {"routemoa.v1.RouterService/RecordFeedback"}
    assert {target.call for target in loading.TARGETS} == unary - needs_a_decision


async def test_every_request_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    ghz = tool.found("ghz")
    if ghz is None:
        missing("ghz is not installed; `make test-clients` installs it")
    monkeypatch.setattr(loading, "WARM_UP_S", 0.1)
    patient = {"ROUTEMOA_SCORER_MAX_QUEUE_WAIT_S": "60"}  # nothing is refused on a slow machine
    async with running_stack(StackConfig(environment=patient)) as stack:
        for target in loading.TARGETS:
            address = loading.address_of(stack, target)
            row = await loading.load(ghz, target, address, concurrency=2, span_s=0.2)
            *_, requests, failed, _ = (cell.strip() for cell in row.split("|"))
            assert int(requests) > 0, row
            assert failed == "0", row


def test_a_tool_that_cannot_be_had_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tool, "FOLDER", tmp_path)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RuntimeError, match="ghz needs to be installed, or Go to build it"):
        tool.installed("ghz")
