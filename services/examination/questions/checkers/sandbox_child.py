"""The program inside the sandbox: gives up its rights, then calls the model's function.

It is read as text and run by another interpreter, so it imports nothing of ours.
"""

from __future__ import annotations

# A program can open no file, so the usual modules are loaded before.
import bisect
import collections
import copy
import dataclasses
import datetime  # noqa: ICN001  # as programs name it
import fractions
import functools
import heapq
import itertools
import json
import math
import operator
import os
import random
import re
import resource
import string
import sys
import typing

USUAL_MODULES = (
    *(bisect, collections, copy, dataclasses, datetime, fractions, functools, heapq, itertools),
    *(math, operator, random, re, string, typing),
)
NOBODY = 65534
MEMORY_BYTES = 256 * 1024 * 1024
LIMITS = {
    resource.RLIMIT_CPU: 2,
    resource.RLIMIT_AS: MEMORY_BYTES,
    resource.RLIMIT_FSIZE: 0,
    resource.RLIMIT_CORE: 0,
    resource.RLIMIT_NPROC: 0,
    resource.RLIMIT_NOFILE: 3,
}
REFUSED = (
    *("open", "os.", "socket.", "subprocess.", "shutil.", "ctypes.", "pty.", "signal."),
    *("fcntl.", "resource.", "mmap.", "tempfile.", "glob.", "pathlib.", "cpython.", "sys.addaudit"),
    *("sys.settrace", "sys.setprofile", "gc.", "code.__new__", "marshal."),
)


def give_up_rights() -> None:
    """Sets the limits, which only root could raise, and stops being root."""
    for limit, value in LIMITS.items():
        resource.setrlimit(limit, (value, value))
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    sys.addaudithook(refuse)


def refuse(event: str, _arguments: object) -> None:
    """Refuses what no answer needs."""
    if event.startswith(REFUSED):
        message = f"{event} is not allowed here"
        raise PermissionError(message)


def main() -> None:
    """Reads the task from standard input; writes a list of values or an error as JSON."""
    task = json.load(sys.stdin)
    output = sys.stdout
    sys.stdout = None  # what the program prints goes nowhere
    give_up_rights()
    try:
        names: dict[str, typing.Any] = {"__name__": "answer"}
        exec(compile(task["source"], "answer", "exec"), names)  # noqa: S102  # the sandbox's purpose
        function = names[task["function"]]
        result = json.dumps([function(*arguments) for arguments in task["calls"]])
    except BaseException as error:  # noqa: BLE001  # a program may raise anything
        result = json.dumps({"error": type(error).__name__})
    output.write(result)
    output.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
