"""Checks blocks of code: each is loaded or read by what would load or read it."""

from __future__ import annotations

import ast
import importlib
import json
import re
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import yaml
from google.protobuf import json_format
from google.rpc.error_details_pb2 import ErrorInfo

from scorer.data.converters.conversion import Conversion, ConversionError
from scorer.data.converters.tables.columns import Told
from scorer.data.converters.tables.table import convert
from scorer.data.records import read_records
from scorer.runtime.fields import ProblemsError
from scorer.training.recipe import read_recipe
from services.router.budgets.tenants import load_tenants
from services.router.pool.model import PoolModel
from services.router.pool.pool import load_pool
from services.rpc.file_problems import FileProblemsError
from tests.documents.cluster import components, path_problems, value_problems
from tests.documents.names import name_problems, source_words
from tests.documents.pages import ROOT, Piece
from tests.documents.run import run

if TYPE_CHECKING:
    from collections.abc import Callable

ELIDED = "# ..."
"""Stands in a pool for keys that the block leaves out."""
_STRING_OR_COMMENT = re.compile(r"\"[^\"]*\"|//.*")
_SQL_COMMENT = re.compile(r"--.*|'\d+ \w+'|\b\d+\b")
_SQL_WORDS = {
    "avg",
    "count",
    "current_date",
    "interval",
    "jsonb_array_elements",
    "now",
    "sum",
    "attempt",
}


def _loading_problems(load: Callable[[Path], Any], text: str) -> list[str]:
    """Returns what a loader of the product says against a file with this text."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_text(text, encoding="utf-8")
        try:
            load(path)
        except (FileProblemsError, ProblemsError) as error:
            return list(error.problems)
    return []


def csv_problems(piece: Piece) -> list[str]:
    """Returns what the converter says against a table."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file.csv"
        path.write_text(piece.text, encoding="utf-8")
        try:
            list(convert([path], Conversion(), as_json=False, told=Told()))
        except ConversionError as error:
            return list(error.problems)
    return []


def yaml_problems(piece: Piece) -> list[str]:
    """Returns what the loader of a pool, of tenants or of values says against a block."""
    keys = re.findall(r"^(\w+):", piece.text, re.MULTILINE)
    is_list_of_alternatives = len(set(keys)) < len(keys)
    parts = piece.text.split("\n\n") if is_list_of_alternatives else [piece.text]
    try:
        contents = [yaml.safe_load(part) for part in parts]
    except yaml.YAMLError as error:
        return [f"is not YAML: {error}"]
    return [problem for content in contents for problem in _content_problems(content, piece.text)]


def _content_problems(content: Any, text: str) -> list[str]:
    if "tenants" in content:
        return _loading_problems(load_tenants, text)
    if "models" in content:
        models = [_complete(model) if ELIDED in text else model for model in content["models"]]
        models = [_without_files(model) for model in models]
        return _loading_problems(load_pool, yaml.safe_dump({**content, "models": models}))
    if "endpoints" in content:
        return _loading_problems(load_pool, yaml.safe_dump({"models": [_complete(content)]}))
    if content.keys() & components():
        return value_problems(content)
    return [f"no loader for YAML with the keys {', '.join(content)}"]


def _complete(model: dict[str, Any]) -> dict[str, Any]:
    """Returns a model of a pool with a value for each required key that it lacks."""
    numbers = {
        name: 10_000 for name, field in PoolModel.model_fields.items() if field.is_required()
    }
    place = {} if "endpoints" in model else {"url": "http://model/v1"}
    return {**numbers, "id": "model", **place, **model}


def _without_files(model: dict[str, Any]) -> dict[str, Any]:
    """Returns a model of a pool without the operator's own files, such as its key."""
    files = {name for name in PoolModel.model_fields if name.endswith("_file")}
    return {key: value for key, value in model.items() if key not in files}


def recipe_problems(text: str) -> list[str]:
    """Returns what the reader of a recipe says against a block."""
    return _loading_problems(read_recipe, text)


def json_problems(piece: Piece) -> list[str]:
    """Returns what is wrong with one or more objects in a block."""
    problems: list[str] = []
    rest = piece.text.strip()
    while rest:
        try:
            value, end = json.JSONDecoder().raw_decode(rest)
        except json.JSONDecodeError as error:
            return [f"is not JSON: {error}"]
        rest = rest[end:].strip()
        if value.keys() >= {"reason", "domain"}:
            problems += _error_problems(piece, value)
        elif "scores" in value:
            problems += _loading_problems(read_records, json.dumps(value))
    return problems


def _error_problems(piece: Piece, value: dict[str, Any]) -> list[str]:
    try:
        info = json_format.ParseDict(value, ErrorInfo())
    except json_format.ParseError as error:
        return [str(error)]
    return name_problems(Piece(document=piece.document, line=piece.line, text=info.reason))


_FOREIGN_PACKAGES = {"anthropic", "openai"}
"""Packages that readers install and the tests do not."""


def python_problems(piece: Piece) -> list[str]:
    """Returns what is wrong with the syntax, the imports and the imported names' attributes."""
    try:
        tree = ast.parse(piece.text)
    except SyntaxError as error:
        return [f"is not Python: {error}"]
    problems: list[str] = []
    names: dict[str, object] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in _FOREIGN_PACKAGES:
            continue
        if isinstance(node, ast.Import):
            names |= {name.name: importlib.import_module(name.name) for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            for name in node.names:
                try:
                    names[name.name] = getattr(importlib.import_module(str(node.module)), name.name)
                except (ImportError, AttributeError) as error:
                    problems.append(str(error))
    problems += [
        f"{node.value.id} has no {node.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in names
        and not hasattr(names[node.value.id], node.attr)
    ]
    return problems


@cache
def _words_of(folder: str) -> frozenset[str]:
    done = run("git", "grep", "-hoIE", "[A-Za-z_][A-Za-z0-9_]*", "--", folder, ":!*.md", cwd=ROOT)
    return frozenset(done.stdout.split())


def client_problems(piece: Piece) -> list[str]:
    """Returns the names in a block that no source file of the document's client has."""
    folder = Path(piece.document).parent
    code = _STRING_OR_COMMENT.sub("", piece.text)
    words = set(re.findall(r"[A-Za-z_]\w*", code))
    return [f"{folder} has no {word}" for word in sorted(words - _words_of(str(folder)))]


def xml_problems(piece: Piece) -> list[str]:
    """Returns the elements of a Maven dependency that the client's own `pom.xml` does not have."""
    pom = (piece.folder / "pom.xml").read_text(encoding="utf-8")
    try:
        elements = list(ET.fromstring(piece.text))  # noqa: S314  # our own documents
    except ET.ParseError as error:
        return [f"is not XML: {error}"]
    lines = [f"<{element.tag}>{element.text}</{element.tag}>" for element in elements]
    return [f"pom.xml has no {line}" for line in lines if line not in pom]


def sql_problems(text: str) -> list[str]:
    """Returns the names in a query that no source has."""
    words = set(re.findall(r"\b[a-z]\w*", _SQL_COMMENT.sub("", text)))
    return [f"no source has {word}" for word in sorted(words - source_words() - _SQL_WORDS)]


def values_path_problems(piece: Piece) -> list[str]:
    """Returns the paths before colons, such as `router.replicas: 2`, that the chart does not have."""
    rows = [line.partition(": ") for line in piece.text.splitlines()]
    return [problem for path, _, value in rows for problem in path_problems(path, value)]
