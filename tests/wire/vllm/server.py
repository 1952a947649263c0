"""A real vLLM on CPU with a tiny model of our own, as a process."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.wire.vllm.tiny_model import CONTEXT_WINDOW_TOKENS, make

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MODEL = "tiny"
_START_S = 400.0
_STOP_S = 30.0
_SETTINGS = {
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "HF_HUB_OFFLINE": "1",
}


@contextmanager
def running_vllm(binaries: Path, folder: Path) -> Iterator[str]:
    """Runs the server in `folder` and yields its origin.

    Raises:
        RuntimeError: It does not start.
    """
    make(folder / "model")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, **_SETTINGS}
    environment.pop("PYTHONPATH", None)  # that of the tests is not vLLM's
    log = folder / "vllm.log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603  # every argument is ours
            [
                *(str(binaries / "vllm"), "serve", str(folder / "model"), "--load-format", "dummy"),
                *("--served-model-name", MODEL, "--host", "127.0.0.1", "--port", str(port)),
                *("--max-model-len", str(CONTEXT_WINDOW_TOKENS), "--dtype", "float32"),
                *("--enforce-eager", "--enable-prompt-tokens-details"),
                *("--enable-auto-tool-choice", "--tool-call-parser", "hermes"),
                *(
                    "--structured-outputs-config",
                    '{"backend": "xgrammar", "disable_any_whitespace": true}',
                ),
            ],
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,  # the engine is a process of its own, and goes with it
        )
        try:
            origin = f"http://127.0.0.1:{port}"
            _wait(process, origin, log)
            yield origin
        finally:
            _stop(process)


def _wait(process: subprocess.Popen[bytes], origin: str, log: Path) -> None:
    deadline_s = time.monotonic() + _START_S
    while time.monotonic() < deadline_s:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{origin}/health", timeout=2):  # noqa: S310  # is http
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise RuntimeError(f"vLLM did not start:\n{log.read_text(errors='replace')[-4000:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
