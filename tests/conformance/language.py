"""The languages that have a client, and how each one's driver is built and run."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from shutil import which

ROOT = Path(__file__).parents[2]
_DRIVER = (sys.executable, "-m", "tests.conformance.python_driver")

_JAVA_BUILD = (("mvn", "--batch-mode", "--quiet", "--no-transfer-progress", "package"),)
_JAVA_DRIVER = (
    "java",
    "-cp",
    "target/classes:target/test-classes:target/lib/*",
    "io.routemoa.client.ConformanceDriver",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """A client, and the program that drives it."""

    name: str
    folder: Path = ROOT
    toolchain: tuple[str, ...] = ()
    """Programs that must be there; without one, the language is skipped, and said to be."""
    build: tuple[tuple[str, ...], ...] = ()
    """Commands that build the client and its driver and run the client's own tests; run once where
    several languages have the same."""
    driver: tuple[str, ...]
    agent: str
    """How the client names itself before its version."""

    @property
    def missing(self) -> str:
        """The programs that are not installed, comma-separated."""
        return ", ".join(program for program in self.toolchain if which(program) is None)


LANGUAGES = (
    Language(name="python", driver=_DRIVER, agent="routemoa-python"),
    Language(name="python-blocking", driver=(*_DRIVER, "--blocking"), agent="routemoa-python"),
    Language(
        name="go",
        folder=ROOT / "clients/go",
        toolchain=("go",),
        build=(
            ("go", "vet", "./..."),
            ("go", "test", "./..."),
            ("go", "build", "-o", "build/conformance", "./internal/conformance"),
        ),
        driver=("build/conformance",),
        agent="routemoa-go",
    ),
    Language(
        name="typescript",
        folder=ROOT / "clients/typescript",
        toolchain=("node", "npm"),
        build=(("npm", "ci", "--no-audit", "--no-fund"), ("npm", "test")),
        driver=("node", "dist/test/conformance.js"),
        agent="routemoa-typescript",
    ),
    Language(
        name="java",
        folder=ROOT / "clients/java",
        toolchain=("java", "mvn"),
        build=_JAVA_BUILD,
        driver=_JAVA_DRIVER,
        agent="routemoa-java",
    ),
    Language(
        name="java-async",
        folder=ROOT / "clients/java",
        toolchain=("java", "mvn"),
        build=_JAVA_BUILD,
        driver=(*_JAVA_DRIVER, "--async"),
        agent="routemoa-java",
    ),
)
