"""A caller's trace goes on in the services, through the Python client."""

from __future__ import annotations

import pytest

from routemoa.client import RouteMoAClient
from routemoa.errors import InvalidFieldError

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


async def test_the_metadata_that_a_caller_adds_is_asked_for_before_every_call(
    judge_address: str,
) -> None:
    spans = iter(["00f067aa0ba902b7", "00f067aa0ba902b8"])

    def metadata() -> tuple[tuple[str, str], ...]:
        return (("traceparent", f"00-{TRACE}-{next(spans)}-01"),)

    async with RouteMoAClient(judge=judge_address, metadata=metadata) as client:
        for _ in range(2):
            with pytest.raises(InvalidFieldError) as raised:
                await client.assess([], [], timeout_s=30)
            assert raised.value.metadata["trace_id"] == TRACE
            assert raised.value.metadata["request_id"]
    assert next(spans, None) is None
