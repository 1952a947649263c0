"""Finds the code that a run of a method depends on, so that a kept run is not used after an edit.

``module of the method -> all modules of this package that it imports, directly or not -> their texts``

Imports inside functions count, and so do those for types alone: a method that calls an object has to
import its type. So the code of a dataset or of a cache that a method is given is found as well.
"""

from __future__ import annotations

import ast
import functools
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import scorer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scorer.evaluation.methods.method import Method

PACKAGE = Path(scorer.__file__).parent


def modules_of(method: Method) -> tuple[str, ...]:
    """Returns the modules whose code decides the predictions of a method, sorted by name."""
    return import_closure(type(method).__module__)


@functools.cache
def import_closure(module: str) -> tuple[str, ...]:
    """Returns a module and all modules of this package that it imports, directly or not, sorted."""
    found: set[str] = set()
    left = [module]
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += _imports(source_of(name))
    return tuple(sorted(found))


@functools.cache
def source_of(module: str) -> str:
    """Returns the code of a module as it was at the first call, which is the code that runs."""
    loaded = sys.modules.get(module)
    path = Path(loaded.__file__) if loaded and loaded.__file__ else _file_of(module)
    if path is None:
        message = f"{module} has no source file"
        raise ModuleNotFoundError(message)
    return path.read_text(encoding="utf-8")


def _imports(source: str) -> Iterator[str]:
    """Yields the modules of this package that are imported anywhere in some code."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            # A name may be a module or something in one.
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        yield from (name for name in names if _file_of(name))


def _file_of(module: str) -> Path | None:
    """Returns the file of a module of this package; None for a package or for anything else."""
    top, *parts = module.split(".")
    path = PACKAGE.joinpath(*parts).with_suffix(".py")
    return path if top == PACKAGE.name and path.is_file() else None
