"""Checks Helm's and kubectl's commands, and values of the chart, by the chart."""

from __future__ import annotations

import itertools
import json
import os
import shutil
from functools import cache
from typing import TYPE_CHECKING, Any

import yaml

from tests.chart.chart import CHART, EXAMPLES, PORTS, TOOLS
from tests.documents.pages import ROOT
from tests.documents.run import run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from tests.documents.pages import Command

_READERS_VALUES = "my-values.yaml"
"""A values file that the reader writes; the example's stand in for it."""
_VERBS_IN_A_CLUSTER = {"get", "describe", "logs", "scale"}
_RENDERED = {"install", "upgrade", "template"}


@cache
def _schema() -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    return schema


def components() -> set[str]:
    """Returns the keys at the top of the chart's values."""
    return set(_schema()["properties"])


def value_problems(
    value: Any, schema: Mapping[str, Any] | None = None, place: str = ""
) -> list[str]:
    """Returns keys and choices that the chart does not have; required keys may be missing."""
    schema = _schema() if schema is None else schema
    if "$ref" in schema:
        schema = _schema()["$defs"][schema["$ref"].rpartition("/")[2]]
    if value is None:
        return []
    if "anyOf" in schema:
        return min((value_problems(value, one, place) for one in schema["anyOf"]), key=len)
    if isinstance(value, dict):
        return list(_key_problems(value, schema, place))
    if isinstance(value, list) and "items" in schema:
        return [
            problem
            for number, item in enumerate(value)
            for problem in value_problems(item, schema["items"], f"{place}[{number}]")
        ]
    is_choice = value in schema.get("enum", [value])
    is_plain = schema.get("type") not in {"object", "array"}
    return [] if is_choice and is_plain else [f"{place} cannot be {value!r}"]


def _key_problems(value: dict[str, Any], schema: Mapping[str, Any], place: str) -> Iterator[str]:
    known = schema.get("properties", {})
    other = schema.get("additionalProperties", schema.get("type", "object") == "object")
    for key, child in value.items():
        inner = f"{place}.{key}".lstrip(".")
        if key in known and known[key].get("deprecated"):
            yield f"{inner} is a former setting"
        elif key in known:
            yield from value_problems(child, known[key], inner)
        elif not other:
            yield f"the chart has no value {inner}"
        elif isinstance(other, dict):
            yield from value_problems(child, other, inner)


def path_problems(path: str, value: Any = None) -> list[str]:
    """Returns a problem if the chart has no value at a path such as `router.pool`."""
    for key in reversed(path.split(".")):
        value = {key: value}
    return value_problems(value)


def existing(command: Command, name: str) -> Path | None:
    """Returns the file that a command names, from the document's folder or the root."""
    places = (command.place.folder / name, ROOT / name)
    return next((place for place in places if place.exists()), None)


def _values_of(words: Sequence[str], *options: str) -> list[str]:
    return [value for name, value in itertools.pairwise(words) if name in options]


def helm_problems(command: Command) -> list[str]:
    """Returns what Helm and the chart say against a command of Helm."""
    words = command.words[1:]
    helm = shutil.which("helm", path=f"{TOOLS / 'bin'}:{os.environ['PATH']}")
    problems = []
    if helm is not None:
        # With --help, Helm does nothing but read the options before it.
        done = run(helm, *words, "--help", cwd=ROOT)
        problems += [done.stderr.strip()] if done.returncode else []
    if words[0] in _RENDERED and not command.is_mention:
        problems += _render_problems(command, helm)
    return problems


def _render_problems(command: Command, helm: str | None) -> list[str]:
    _, _, release, chart_name, *words = command.words
    chart = existing(command, chart_name)
    if chart is None or not (chart / "Chart.yaml").is_file():
        return [f"no chart {chart_name}"]
    arguments, problems = [], []
    for name in _values_of(words, "-f", "--values"):
        path = EXAMPLES / "values.yaml" if name == _READERS_VALUES else existing(command, name)
        if path is None:
            problems.append(f"no values file {name}")
            continue
        problems += value_problems(yaml.safe_load(path.read_text(encoding="utf-8")))
        arguments += ["--values", str(path)]
    for change in _values_of(words, "--set"):
        path_and_value = change.partition("=")
        problems += path_problems(path_and_value[0], path_and_value[2])
        arguments += ["--set", change]
    if helm is not None and not problems:
        done = run(helm, "template", release, str(chart), *arguments, cwd=ROOT)
        problems += [done.stderr.strip()] if done.returncode else []
    return problems


def kubectl_problems(command: Command) -> list[str]:
    """Returns the files, services and Secrets of a kubectl command that do not exist."""
    words = [word for word in command.words[1:] if word != "&"]
    problems = []
    for name in _values_of(words, "-f", "--filename"):
        path = existing(command, name)
        problems += [f"no file {name}"] if path is None else []
        list(yaml.safe_load_all(path.read_text(encoding="utf-8"))) if path else None
    if "port-forward" in words:
        _, service, port = words[words.index("port-forward") :][:3]
        served = {(f"service/routemoa-{name}", str(port)) for name, port in PORTS.items()}
        problems += [] if (service, port) in served else [f"no {service} with port {port}"]
    elif "generic" in words:
        secret = f"secretName: {words[words.index('generic') + 1]}\n"
        files = command.place.folder.glob("*.yaml")
        named = any(secret in path.read_text(encoding="utf-8") for path in files)
        problems += [] if named else [f"no example has {secret.strip()}"]
    elif not {"apply", *_VERBS_IN_A_CLUSTER} & set(words):
        problems.append(f"no check for `{command}`")
    return problems
