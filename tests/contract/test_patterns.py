"""Every pattern is known: it is applied in the test of linear time, or reads no text of a model."""

from __future__ import annotations

import ast
import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.unit.router.test_linear_time import WORST

if TYPE_CHECKING:
    import re

    import pytest

ROOT = Path(__file__).parents[2]
NOT_OF_MODELS = {
    "scorer.data.overlap": "queries of training data, offline",
    "scorer.data.converters.eval_harness": "names of files",
    "scorer.data.converters.scores.cells": "cells of at most 40 characters",
    "scorer.data.converters.tables.columns": "names of columns",
    "scorer.data.converters.tools.inspect_logs": "inputs of logs, offline; it begins with a fixed text",
    "services.router.contract.media": "callers' media types, and URLs of bounded length",
    "services.router.contract.tools": "callers' names of tools",
    "services.router.model_priors.model_name": "names of models, of bounded length",
    "services.router.pool.backend_files": "key files",
    "services.router.pool.families": "names of models in the pool file",
    "services.router.pool.request_shape": "headers in the pool file",
    "services.router.prompts.prompts": "the router's own instruction",
    "services.router.types.schema_graph": "patterns in callers' schemas, of bounded length",
}
"""Modules whose patterns read no text of models or backends, and what they read."""
FUNCTIONS = {
    "compile",
    "search",
    "match",
    "fullmatch",
    "sub",
    "subn",
    "split",
    "findall",
    "finditer",
}


class Spy:
    """A pattern that records its use."""

    def __init__(self, name: str, pattern: re.Pattern[str], used: set[str]) -> None:
        self._name = name
        self._pattern = pattern
        self._used = used

    def __getattr__(self, attribute: str) -> Any:
        self._used.add(self._name)
        return getattr(self._pattern, attribute)


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def uses_of_re(tree: ast.AST) -> list[ast.Call]:
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "re"
        and node.func.attr in FUNCTIONS
    ]


def found() -> tuple[set[str], set[str]]:
    """Returns the names of module-level patterns, and the modules that use `re` elsewhere."""
    named: set[str] = set()
    elsewhere: set[str] = set()
    for folder in ("services", "scorer"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            tree, module = ast.parse(path.read_text()), module_of(path)
            assigned = [
                statement
                for statement in tree.body
                if isinstance(statement, ast.Assign) and uses_of_re(statement.value)
            ]
            named |= {f"{module}.{ast.unparse(s.targets[0])}" for s in assigned}
            if len(uses_of_re(tree)) > len(assigned):
                elsewhere.add(module)
    return named, elsewhere


def spied(monkeypatch: pytest.MonkeyPatch, names: set[str]) -> set[str]:
    """Replaces patterns, wherever they are imported, by spies; returns the set of those used."""
    used: set[str] = set()
    for name in names:
        module, _, attribute = name.rpartition(".")
        pattern = getattr(importlib.import_module(module), attribute)
        spy = Spy(name, pattern, used)
        for other in list(sys.modules.values()):
            if getattr(other, "__name__", "").startswith(("services.", "scorer.")):
                for key in [k for k, value in vars(other).items() if value is pattern]:
                    monkeypatch.setattr(other, key, spy)
    return used


def test_every_pattern_is_applied_in_the_test_of_linear_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    named, _ = found()
    names = {name for name in named if name.rpartition(".")[0] not in NOT_OF_MODELS}
    used = spied(monkeypatch, names)
    for read, texts in WORST.items():
        for text in texts:
            read(text(100))
    assert names - used == set()


def test_no_pattern_is_hidden_in_a_function() -> None:
    _, elsewhere = found()
    assert elsewhere - set(NOT_OF_MODELS) == set()


def test_the_exceptions_exist() -> None:
    named, elsewhere = found()
    assert {name.rpartition(".")[0] for name in named} | elsewhere >= set(NOT_OF_MODELS)
