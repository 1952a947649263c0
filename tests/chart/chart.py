"""Renders the chart with Helm and finds objects in what comes out."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.toolchain import missing

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy/k8s/routemoa"
EXAMPLES = ROOT / "deploy/k8s/examples"
TOOLS = Path(os.environ.get("ROUTEMOA_CHART_TOOLS", ROOT / ".tools"))
KUBERNETES_VERSIONS = ("1.35.0", "1.36.0", "1.37.0")
PORTS = {"scorer": 50051, "router": 50052, "judge": 50053, "gateway": 8080}
COMPONENTS = tuple(PORTS)
GRPC_SERVICES = ("scorer", "router", "judge")
"""The components but the gateway, which speaks HTTP."""
NAMESPACE = "ai"
_UNDER = "# Under it: "
Object = dict[str, Any]


def tool(name: str) -> str:
    """Returns the path of a tool that `make test-chart` installs, or skips the test and says so."""
    found = shutil.which(name, path=f"{TOOLS / 'bin'}:{os.environ['PATH']}")
    if found is None:
        missing(f"{name} is not here; `make test-chart` installs it where there is Go")
    return found


def scenarios() -> list[str]:
    """Returns the names of the values files in ci/."""
    return sorted(p.name.removesuffix("-values.yaml") for p in (CHART / "ci").glob("*-values.yaml"))


def values_files(scenario: str) -> list[Path]:
    """Returns a scenario's values files, the first ones under the later ones."""
    path = CHART / f"ci/{scenario}-values.yaml"
    first = path.read_text().partition("\n")[0]
    under = first.removeprefix(_UNDER).split() if first.startswith(_UNDER) else []
    return [*(CHART / name for name in under), path]


def values_options(*values: Path) -> list[str]:
    """Returns Helm's options for values files."""
    return [argument for path in values for argument in ("--values", str(path))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """What Helm made of values: either text, or the reason why not."""

    text: str
    error: str

    @property
    def objects(self) -> list[Object]:
        """The objects; the test fails if there are none."""
        assert not self.error, self.error
        return [item for item in yaml.safe_load_all(self.text) if item]

    def all(self, kind: str) -> dict[str, Object]:
        """Returns the objects of a kind by their names, `routemoa-` left off."""
        return {
            item["metadata"]["name"].removeprefix("routemoa-"): item
            for item in self.objects
            if item["kind"] == kind
        }

    def one(self, kind: str, name: str) -> Object:
        """Returns an object."""
        return self.all(kind)[name]

    def pod(self, component: str) -> Object:
        """Returns the pod spec of a component."""
        spec: Object = self.one("Deployment", component)["spec"]["template"]["spec"]
        return spec

    def container(self, component: str) -> Object:
        """Returns the container of a component, whatever stands beside it."""
        containers = self.pod(component)["containers"]
        [container] = [each for each in containers if each["name"] == component]
        return dict(container)

    def environment(self, component: str) -> dict[str, str]:
        """Returns the variables that a component reads."""
        data: dict[str, str] = self.one("ConfigMap", component)["data"]
        return data


def run(*command: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Runs a program to its end, whatever its exit status."""
    return subprocess.run(  # noqa: S603  # our tools, on our files
        command, capture_output=True, text=True, timeout=150, check=False, input=stdin
    )


@cache
def helm(*arguments: str) -> Rendered:
    """Runs helm, once for the same arguments."""
    done = run(tool("helm"), *arguments)
    return Rendered(text=done.stdout, error=done.stderr if done.returncode else "")


def render(
    scenario: str = "default", *sets: str, kubernetes: str = KUBERNETES_VERSIONS[-1]
) -> Rendered:
    """Renders a scenario, with single values changed (`name=value`, the value being JSON)."""
    changes = [argument for change in sets for argument in ("--set-json", change)]
    version = ["--kube-version", kubernetes]
    return template(*values_files(scenario), options=(*changes, *version))


def template(*values: Path, namespace: str = NAMESPACE, options: tuple[str, ...] = ()) -> Rendered:
    """Renders values files."""
    release = ("routemoa", str(CHART), "--namespace", namespace)
    return helm("template", *release, *values_options(*values), *options)
