"""Runs a model's program in a process of its own, with narrow limits.

Contained: CPU and wall-clock time, memory, output, new processes and threads, files and sockets
(the process can open no descriptor), and by an audit hook what Python does to paths and processes.

Not contained: a flaw in Python or the kernel, and native code that the program gets to run in spite of
the hook: it could rename or delete files that its user may delete. So run examinations as a user
who owns nothing, or in a container. Started by root, the program runs as `nobody`.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_SECONDS = 10.0
MAX_OUTPUT_BYTES = 64 * 1024
_CHILD = Path(__file__).with_name("sandbox_child.py").read_text(encoding="utf-8")


class SandboxError(Exception):
    """Raised when a program gives no result; the message says why."""


def call_in_sandbox(source: str, function: str, calls: Sequence[Sequence[Any]]) -> list[Any]:
    """Defines a function in a sandbox and returns the JSON values of its calls.

    Raises:
        SandboxError: The program failed, or a limit ended it.
    """
    task = json.dumps({"source": source, "function": function, "calls": calls}).encode()
    with tempfile.TemporaryDirectory(prefix="routemoa-sandbox-") as folder:
        process = subprocess.Popen(  # noqa: S603  # our own interpreter and program
            [sys.executable, "-I", "-S", "-c", _CHILD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env={},
            start_new_session=True,
        )
        try:
            output = _exchange(process, task)
        finally:
            _end(process)
    return _result(output)


def _exchange(process: subprocess.Popen[bytes], task: bytes) -> bytes:
    """Sends the task, which the program reads whole before it writes, and returns the output."""
    deadline = time.monotonic() + MAX_SECONDS
    assert process.stdin is not None  # noqa: S101  # both are pipes
    assert process.stdout is not None  # noqa: S101
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(task)
        process.stdin.close()
    output = b""
    while len(output) <= MAX_OUTPUT_BYTES:
        left_s = deadline - time.monotonic()
        if left_s <= 0 or not select.select([process.stdout], [], [], left_s)[0]:
            message = "the program took too long"
            raise SandboxError(message)
        chunk = os.read(process.stdout.fileno(), MAX_OUTPUT_BYTES)
        if not chunk:
            return output
        output += chunk
    message = "the program wrote too much"
    raise SandboxError(message)


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()


def _result(output: bytes) -> list[Any]:
    try:
        result = json.loads(output)
    except (ValueError, RecursionError):
        result = None
    if isinstance(result, list):
        return result
    message = "the program failed or a limit ended it"
    if isinstance(result, dict) and isinstance(result.get("error"), str):
        message = f"the program failed: {result['error'][:100]}"
    raise SandboxError(message)
