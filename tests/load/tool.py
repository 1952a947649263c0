"""Finds the command-line tools written in Go that load and call the services, and installs them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from shutil import which

FOLDER = Path(__file__).parents[2] / "build" / "go"
INSTALL_TIMEOUT_S = 900
SOURCES = {
    "ghz": "github.com/bojand/ghz/cmd/ghz@v0.121.0",
    "grpcurl": "github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.3",
}


def found(tool: str) -> str | None:
    """Returns the path of a tool that is installed, by this project or on the machine."""
    return which(tool, path=os.pathsep.join([str(FOLDER), os.environ.get("PATH", "")]))


def installed(tool: str) -> str:
    """Returns the path of a tool, built through the Go module proxy if it is not there.

    Raises:
        RuntimeError: Neither the tool nor Go is installed, or Go cannot build it.
    """
    if path := found(tool):
        return path
    go = which("go")
    if go is None:
        message = f"{tool} needs to be installed, or Go to build it"
        raise RuntimeError(message)
    environment = os.environ | {"GOBIN": str(FOLDER)}
    built = subprocess.run(  # noqa: S603  # our own arguments
        [go, "install", SOURCES[tool]], env=environment, check=False, timeout=INSTALL_TIMEOUT_S
    )
    if built.returncode:
        message = f"go cannot install {SOURCES[tool]}"
        raise RuntimeError(message)
    return str(FOLDER / tool)


def main() -> None:
    """Installs every tool that is missing; without Go, says what will be skipped."""
    for tool in SOURCES:
        try:
            sys.stdout.write(f"{tool}: {installed(tool)}\n")
        except RuntimeError as error:
            sys.stdout.write(f"{error}: the tests that need it will be skipped\n")


if __name__ == "__main__":
    main()
