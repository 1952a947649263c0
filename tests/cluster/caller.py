"""A pod that calls the services, with the Python client and without rights."""

from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.cluster import Cluster

SCRIPTS = ("live_streams.py", "plans.py")
"""They run in the pod."""
END_S = 120.0
RESTRICTED: dict[str, Any] = {
    "runAsNonRoot": True,
    "runAsUser": 65532,
    "seccompProfile": {"type": "RuntimeDefault"},
}
NO_RIGHTS: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


@dataclass(frozen=True, slots=True)
class Caller:
    """A pod in which commands run."""

    cluster: Cluster
    namespace: str
    name: str = "caller"

    def python(self, code: str) -> subprocess.CompletedProcess[str]:
        """Runs a program in the pod, which may fail."""
        return in_pod(self.cluster, self.namespace, self.name, "python", "-c", code)

    @contextmanager
    def streaming(self, count: int, token: str) -> Iterator[Streams]:
        """Keeps a number of streams running during the block; then waits until all have ended.

        All have their first token when the block begins.
        """
        streams = Streams()
        arguments = (str(count), self._router, "http://routemoa-gateway:8080", token)
        with self._running("live_streams.py", *arguments) as found:
            yield streams
        streams.take(found)

    @contextmanager
    def asking_for_plans(self, callers: int, token: str) -> Iterator[dict[str, int]]:
        """Asks for plans as fast as they come during the block; then fills in their number."""
        with self._running("plans.py", str(callers), self._router, token) as found:
            yield found

    @property
    def _router(self) -> str:
        return f"dns:///routemoa-router-headless.{self.namespace}.svc.cluster.local:50052"

    @contextmanager
    def _running(self, script: str, *arguments: str) -> Iterator[dict[str, Any]]:
        """Runs a script in the pod during the block, then fills in what it prints at its end.

        It has said that it is live when the block begins, and ends once its input does.
        """
        exec_ = ("exec", "--stdin", self.name, f"--namespace={self.namespace}", "--")
        found: dict[str, Any] = {}
        process = subprocess.Popen(  # noqa: S603  # our own command
            self.cluster.command("kubectl", *exec_, "python", f"/live/{script}", *arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "live\n"
            yield found
            output, errors = process.communicate(timeout=END_S)
            assert process.returncode == 0, errors
            found |= json.loads(output)
        finally:
            process.kill()
            process.wait()


@dataclass(slots=True)
class Streams:
    """What came of the streams of a block, once it has ended."""

    outcomes: dict[str, int] = field(default_factory=dict)
    longest_wait_s: float = 0.0

    def take(self, found: dict[str, Any]) -> None:
        """Takes the output of the script."""
        self.outcomes = found["outcomes"]
        self.longest_wait_s = found["longest_wait_s"]

    @property
    def count(self) -> int:
        """All streams that ended, in whatever way."""
        return sum(self.outcomes.values())

    @property
    def broken(self) -> dict[str, int]:
        """Those that failed or were truncated, by what was said."""
        return {outcome: count for outcome, count in self.outcomes.items() if outcome != "whole"}


def in_pod(
    cluster: Cluster, namespace: str, pod: str, *command: str
) -> subprocess.CompletedProcess[str]:
    """Runs a command in a pod, which may fail."""
    return cluster.attempt("kubectl", "exec", pod, f"--namespace={namespace}", "--", *command)


def start_caller(cluster: Cluster, namespace: str, image: str) -> Caller:
    """Starts the pod; returns once it is ready."""
    metadata = {"name": "caller", "namespace": namespace, "labels": {"app": "caller"}}
    scripts = {name: (Path(__file__).parent / name).read_text() for name in SCRIPTS}
    container = {
        "name": "caller",
        "image": image,
        "command": ["python", "-c", "import signal; signal.pause()"],
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "512Mi"}},
        "securityContext": NO_RIGHTS,
        "volumeMounts": [{"name": "live", "mountPath": "/live", "readOnly": True}],
    }
    cluster.apply(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": scripts},
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": metadata,
            "spec": {
                "automountServiceAccountToken": False,
                "enableServiceLinks": False,
                "terminationGracePeriodSeconds": 1,
                "securityContext": RESTRICTED,
                "containers": [container],
                "volumes": [{"name": "live", "configMap": {"name": "caller"}}],
            },
        },
    )
    ready = ("wait", "--for=condition=Ready", "pod/caller", f"--namespace={namespace}")
    cluster.run("kubectl", *ready, "--timeout=120s")
    return Caller(cluster, namespace)
