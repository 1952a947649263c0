"""Virtual environments of what is measured beside, made with `uv`."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def make_environment(home: Path, *, python: str, packages: tuple[str, ...]) -> None:
    """Makes an environment, unless it is there.

    Args:
        home: Where it goes.
        python: The interpreter, by version or path.
        packages: What is installed into it.

    Raises:
        SystemExit: `uv` is not installed.
        subprocess.CalledProcessError: `uv` could not.
    """
    if home.exists():
        return
    uv = shutil.which("uv")
    if uv is None:
        raise SystemExit("uv is not installed: pip install uv")
    subprocess.run([uv, "venv", "--python", python, home], check=True)  # noqa: S603  # ours
    pip = [uv, "pip", "install", "--python", str(home / "bin" / "python"), *packages]
    subprocess.run(pip, check=True)  # noqa: S603
