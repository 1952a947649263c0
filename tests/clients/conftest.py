"""What the tests of the clients share: services to call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.local.stack import Stack, StackConfig, running_stack

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def stack() -> AsyncIterator[Stack]:
    async with running_stack(StackConfig()) as running:
        yield running
