"""The table of commands: what is checked of each, or why nothing can be."""

from __future__ import annotations

import itertools
import json
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import yaml

from services.gateway.api import ApiError
from services.gateway.chat.chat_api import ChatCompletions
from services.gateway.feedback.feedback_request import read_feedback
from tests.documents import cluster, contract
from tests.documents.blocks import sql_problems
from tests.documents.pages import PLACEHOLDER, ROOT, Command
from tests.documents.programs import SERVICES, module_problems
from tests.load.tool import SOURCES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Check = Callable[[Command], list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Says how the commands that begin with some words are checked."""

    begins: str
    check: Check | None = None
    reason: str = ""
    """Why nothing is checked, where that is so."""


def _routemoa(command: Command) -> list[str]:
    return module_problems("routemoa.cli", command.words[1:], is_mention=command.is_mention)


def _module(command: Command) -> list[str]:
    _, _, module, *arguments = command.words
    names = SERVICES if PLACEHOLDER in module else ("",)
    return [
        problem
        for name in names
        for problem in module_problems(
            module.replace(PLACEHOLDER, name), arguments, is_mention=command.is_mention
        )
    ]


def _make(command: Command) -> list[str]:
    # Not by `make --dry-run`, which does run the lines that call make again.
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z-]+):", makefile, re.MULTILINE)
    variables = re.findall(r"^(\w+) \?=", makefile, re.MULTILINE)
    words = [word.partition("=") for word in command.words[1:]]
    return [
        f"the Makefile has no target {name}"
        for name, is_set, _ in words
        if not is_set and name not in targets
    ] + [
        f"the Makefile has no variable {name}"
        for name, is_set, _ in words
        if is_set and name not in variables
    ]


def _pip(command: Command) -> list[str]:
    files = (ROOT / "pyproject.toml", ROOT / "clients/python/pyproject.toml")
    projects = [tomllib.loads(file.read_text(encoding="utf-8"))["project"] for file in files]
    extras = {project["name"]: project["optional-dependencies"] for project in projects}
    pinned = {
        requirement
        for extras_of_project in extras.values()
        for extra in extras_of_project.values()
        for requirement in extra
    }
    problems = []
    for word in (word for word in command.words[2:] if not word.startswith("-")):
        name, _, rest = word.partition("[")
        known = extras.keys() | pinned
        problems += [] if name in known else [f"{name} is no requirement of pyproject.toml"]
        asked = rest.rstrip("]").split(",") if rest else []
        problems += [f"no extra {extra}" for extra in asked if extra not in extras.get(name, {})]
    return problems


def _docker(command: Command) -> list[str]:
    options = dict(zip(command.words, command.words[1:], strict=False))
    path = cluster.existing(command, options["-f"])
    if path is None:
        return [f"no file {options['-f']}"]
    targets = [options["--target"]] if "--target" in options else list(_compose_targets(path))
    stages = (ROOT / "deploy/docker/Dockerfile").read_text(encoding="utf-8")
    missing = [target for target in targets if f" AS {target}\n" not in stages]
    return [f"the Dockerfile has no stage {target}" for target in missing]


def _compose_targets(path: Path) -> Iterator[str]:
    for service in yaml.safe_load(path.read_text(encoding="utf-8"))["services"].values():
        yield service["build"]["target"]


def _curl(command: Command) -> list[str]:
    """Returns what the gateway would say against a request of curl."""
    [url] = [word for word in command.words if word.startswith("http://")]
    paths = re.findall(r'"(/[^"]+)"', (ROOT / "services/gateway/app.py").read_text())
    path = urlsplit(url).path
    problems = [] if path in paths else [f"the gateway has no path {path}"]
    options = dict(itertools.pairwise(command.words))
    if "--data" in options:
        try:
            body = json.loads(options["--data"])
            if path == "/v1/feedback":
                read_feedback(body)
            else:
                ChatCompletions().read(body, {})
        except ApiError as error:
            problems.append(error.message)
    return problems


def _go(command: Command) -> list[str]:
    known = {*SOURCES.values(), (ROOT / "clients/go/go.mod").read_text().split()[1]}
    return [f"unknown module {word}" for word in command.words[2:] if word not in known]


def _npm(command: Command) -> list[str]:
    package = yaml.safe_load((ROOT / "clients/typescript/package.json").read_text())
    known = {"install": {package["name"]}, "test": package["scripts"].keys() & {"test"}}
    _, action, *names = command.words
    wanted = set(names) or {action}
    return [f"npm {action}: no {name}" for name in sorted(wanted - known[action])]


def _psql(command: Command) -> list[str]:
    return sql_problems(command.words[-1])


def _copies(command: Command) -> list[str]:
    target = command.words[-1]
    return [] if (ROOT / target).exists() else [f"no folder {target}"]


RULES = (
    Rule(begins="routemoa ", check=_routemoa),
    Rule(begins="python -m ", check=_module),
    Rule(begins="make ", check=_make),
    Rule(begins="pip install ", check=_pip),
    Rule(begins="helm ", check=cluster.helm_problems),
    Rule(begins="kubectl ", check=cluster.kubectl_problems),
    Rule(begins="docker compose ", check=_docker),
    Rule(begins="docker build ", check=_docker),
    Rule(begins="grpcurl ", check=contract.grpcurl_problems),
    Rule(begins="ghz ", check=contract.ghz_problems),
    Rule(begins="curl ", check=_curl),
    Rule(begins="go get ", check=_go),
    Rule(begins="go install ", check=_go),
    Rule(begins="npm ", check=_npm),
    Rule(begins="psql ", check=_psql),
    Rule(begins="cp ", check=_copies),
    Rule(begins="go test ", reason="`make test-clients` runs it"),
    Rule(begins="mvn package", reason="`make test-clients` runs it"),
    Rule(begins="pytest -m slow", reason="an option of pytest; CI runs no slow test"),
    Rule(begins="kind delete ", reason="needs kind; up.sh names the same cluster"),
    Rule(begins="openssl rand ", reason="run in tests/integration/test_documented_commands.py"),
    Rule(begins="tee ", reason="as openssl, in the same line"),
    Rule(begins="tr ", reason="as openssl, in the same line"),
    Rule(begins="sha256sum", reason="as openssl, in the same line"),
    Rule(begins="tar -C ", reason="a tool of the system; the folder is the reader's"),
    Rule(begins="printf ", reason="a tool of the system; writes a file of the reader's"),
)
PROGRAMS = {rule.begins.split()[0] for rule in RULES}


def rule_of(command: Command) -> Rule | None:
    """Returns the first rule for a command."""
    text = f"{command} "
    return next((rule for rule in RULES if text.startswith(rule.begins)), None)


def command_problems(command: Command) -> list[str]:
    """Returns what is wrong with a command."""
    missing = [
        f"no file {word}"
        for word in command.words
        if re.match(r"(deploy|docs|tests|scripts|scorer|services|proto)/[\w.]", word)
        and not any(mark in word for mark in "*<$")
        and not (ROOT / word).exists()
    ]
    rule = rule_of(command)
    if rule is None:
        return [f"{__name__} has no rule for `{command}`"]
    return missing or ([] if rule.check is None else rule.check(command))
