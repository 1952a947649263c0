"""Each peer's virtual environment: `python -m tests.bench.scorer_peers.environments FOLDER`."""

from __future__ import annotations

import argparse
from pathlib import Path

from tests.bench.environments import make_environment

PACKAGES = {
    "mosec": ("3.11", "mosec==0.9.8"),
    "litserve": ("3.11", "litserve==0.2.19"),
    "bentoml": ("3.11", "bentoml==1.4.39"),
    # Its library of Python is older than some builds of 3.11; Debian's fits.
    "triton": ("/usr/bin/python3.11", "nvidia-pytriton==0.7.0"),
}
MODEL = ("onnxruntime==1.31.1", "tokenizers==0.22.2", "numpy")


def install(folder: Path) -> None:
    """Makes the environments that are missing; see `make_environment`."""
    for name, (python, package) in PACKAGES.items():
        make_environment(folder / name, python=python, packages=(package, *MODEL))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    install(parser.parse_args().folder)
