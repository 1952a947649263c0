"""What the tests of the tiers share: training both once takes most of their time."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

# Workers share the cores: threads of torch would wait for one another while others run.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Lets one worker have all tests of a tier, so that each tier is trained once."""
    for item in items:
        tier = item.callspec.params.get("house") if hasattr(item, "callspec") else None
        if tier is not None:
            item.add_marker(pytest.mark.xdist_group(tier))


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.train.tiny_encoder import save_tiny_encoder  # noqa: PLC0415 - needs torch

    return save_tiny_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="session", params=["base", "edge"])
def house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, encoder: Path
) -> Path:
    """A directory with records, a checkpoint, its artifact and the artifacts with fewer bits."""
    from tests.train.tiny_house import run, train  # noqa: PLC0415 - needs torch

    path = tmp_path_factory.mktemp(request.param)
    train(path, encoder if request.param == "base" else None)
    run("export", path / "checkpoint", path / "fp32", "--created", "2026-01-02", "--json")
    held_out = path / "checkpoint" / "validation.jsonl.gz"
    for precision in ("int8", "fp16"):
        arguments = [path / "fp32", path / precision, "--precision", precision]
        run("quantize", *arguments, "--records", held_out, "--json")
    return path
