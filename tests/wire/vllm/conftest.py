"""One vLLM for all tests of the folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.wire.vllm.server import running_vllm
from tests.wire.vllm.vllm_model import BINARIES

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def vllm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The server's origin, and the folder that it runs in."""
    assert BINARIES is not None
    folder = tmp_path_factory.mktemp("vllm")
    with running_vllm(Path(BINARIES), folder) as origin:
        yield origin, folder
