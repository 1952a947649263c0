"""A scratch copy of the tree in which mutants run, with a warm process that runs their tests."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self, cast

from tests.mutation.session import LOG, NOT_LOADED

if TYPE_CHECKING:
    from tests.mutation.core import Module
    from tests.mutation.mutants import Mutant

ROOT = Path(__file__).parents[2]
COPIED = ("services", "scorer", "clients/python", "tests", "pyproject.toml")
BASELINE_TIMEOUT_S = 300.0
MIN_TIMEOUT_S = 10.0
TIMEOUT_FACTOR = 3.0
"""A mutant may take so many times as long as the module's tests do without a change."""


class BaselineError(Exception):
    """The tests fail, or never import the module, without any change."""


class Scratch:
    """One copy of the tree; use as a context manager. Runs one mutant at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._session: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        names = subprocess.run(  # noqa: S603  # our own words
            ["git", "ls-files", "-z", "-co", "--exclude-standard", *COPIED],  # noqa: S607
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for name in filter(None, names.split("\0")):
            if (ROOT / name).is_file():
                (self._folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, self._folder / name)
        paths = os.pathsep.join(str(self._folder / path) for path in (".", "clients/python"))
        self._session = subprocess.Popen(
            [sys.executable, "-m", "tests.mutation.session"],
            cwd=self._folder,
            env={**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        if self._session:
            cast("IO[str]", self._session.stdin).close()
            self._session.wait()

    def baseline(self, module: Module) -> float:
        """Returns how many seconds a mutant of the module may take.

        Raises:
            BaselineError: if the tests do not pass without a change.
        """
        code, seconds = self._run(module, BASELINE_TIMEOUT_S, keep_bytecode=True)
        if code != 0:
            log = (self._folder / LOG).read_text()[-2000:]
            message = f"{module.path}: the tests end with {code} without any change\n{log}"
            raise BaselineError(message)
        return max(MIN_TIMEOUT_S, TIMEOUT_FACTOR * seconds)

    def kills(self, module: Module, mutant: Mutant, timeout_s: float) -> bool:
        """Returns whether the module's tests fail, or hang, with the mutant in its place."""
        path = self._folder / module.path
        original, times = path.read_bytes(), path.stat()
        path.write_text(mutant.source)
        try:
            code, _ = self._run(module, timeout_s, keep_bytecode=False)
        finally:
            path.write_bytes(original)
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))  # its bytecode stays good
        if code == NOT_LOADED:
            raise BaselineError(f"{module.path}: its tests passed without importing it")
        return code != 0

    def _run(
        self, module: Module, timeout_s: float, *, keep_bytecode: bool
    ) -> tuple[int | None, float]:
        assert self._session
        request = {
            "module": module.path,
            "tests": module.tests,
            "timeout_s": timeout_s,
            "keep_bytecode": keep_bytecode,
        }
        commands = cast("IO[str]", self._session.stdin)
        commands.write(json.dumps(request) + "\n")
        commands.flush()
        reply = json.loads(cast("IO[str]", self._session.stdout).readline())
        return reply["code"], reply["seconds"]
