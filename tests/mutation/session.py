"""`python -m tests.mutation.session`: a warm process that runs tests in forks of itself.

A line of JSON on standard input names the tests; a line on standard output says how they ended.
The libraries are imported once, here; the project's own modules anew in each fork.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import time
import traceback
from pathlib import Path

import pytest
from hypothesis import Phase, settings

LIBRARIES = (
    "aiohttp",
    "google.protobuf.json_format",
    "google.rpc.error_details_pb2",
    "grpc.aio",
    "grpc_health.v1.health",
    "grpc_reflection.v1alpha.reflection",
    "grpc_status.rpc_status",
    "numpy",
    "onnxruntime",
    "prometheus_client",
    "pydantic_settings",
    "structlog",
    "tokenizers",
    "uvloop",
    "yaml",
)
LOG = Path(".mutation.log")
NOT_LOADED = 99
POLL_S = 0.01
PROFILE = settings(
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=25,
    phases=[Phase.explicit, Phase.generate],  # the first failure is enough: nothing to shrink
)


class PropertiesLast:
    """A plugin of pytest: tests of properties take longest, so the others run first."""

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items.sort(key=lambda item: item.get_closest_marker("hypothesis") is not None)


def main() -> None:
    """Serves runs of tests until standard input ends."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    for name in LIBRARIES:
        importlib.import_module(name)
    settings.register_profile("mutation", PROFILE)
    for line in sys.stdin:
        request = json.loads(line)
        started = time.monotonic()
        code = run_forked(request)
        reply = {"code": code, "seconds": time.monotonic() - started}
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()


def run_forked(request: dict[str, object]) -> int | None:
    """Runs the tests in a fork; returns pytest's exit code, None if they took too long."""
    child = os.fork()
    if child == 0:
        os.setsid()
        sys.dont_write_bytecode = not request["keep_bytecode"]
        output = os.open(LOG, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for stream in (1, 2):
            os.dup2(output, stream)
        code = NOT_LOADED
        try:
            code = run_tests(request["tests"], str(request["module"]))
        except BaseException:  # noqa: BLE001  # the fork must end here, whatever happens
            traceback.print_exc()
        sys.stdout.flush()
        os._exit(code)
    return wait(child, float(str(request["timeout_s"])))


def wait(child: int, timeout_s: float) -> int | None:
    """Returns the child's exit code; ends it and its own children when the time is up."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(POLL_S)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def run_tests(tests: object, module: str) -> int:
    """Returns pytest's exit code; another one if the tests passed without this copy of the module."""
    assert isinstance(tests, list)
    plugins = ["-p", "no:randomly", "-p", "no:cacheprovider"]
    # Hypothesis was imported before pytest could rewrite its asserts, which it does not need.
    plugins += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    options = ["-x", "-q", "--hypothesis-profile=mutation", *plugins]
    code = int(pytest.main([*options, *tests], plugins=[PropertiesLast()]))
    path = str(Path(module).resolve())
    is_loaded = any(getattr(loaded, "__file__", "") == path for loaded in [*sys.modules.values()])
    return code if code or is_loaded else NOT_LOADED


if __name__ == "__main__":
    main()
