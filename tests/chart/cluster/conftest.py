"""Skips what needs a control plane, and says so, where none is built."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.toolchain import missing


@pytest.fixture(scope="module")
def binaries() -> Path:
    """The folder of the control plane's programs."""
    folder = os.environ.get("ROUTEMOA_CLUSTER_BINARIES")
    if folder is None or not (Path(folder) / "kube-apiserver").exists():
        missing("no control plane is built; `make test-chart-cluster` builds one with Go")
    return Path(folder)
