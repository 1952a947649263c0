"""Follows the imports of a module, without loading any, to every module of this project under it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path


def loaded(modules: Iterable[str], roots: Sequence[Path]) -> dict[str, Path]:
    """Returns the modules that some modules may load, themselves included, with their files.

    An import inside a function counts, and so does a name in a string, as in `python -m NAME`. One that
    only type checkers see does not.

    Args:
        modules: Names; of a package, it is the `__main__` that counts, too.
        roots: Folders that hold the top-level packages.
    """
    found: dict[str, Path] = {}
    waiting = [name for module in modules for name in (module, f"{module}.__main__")]
    while waiting:
        name = waiting.pop()
        file = _file(name, roots)
        if name in found or file is None:
            continue
        found[name] = file
        parent, _, _ = name.rpartition(".")
        package = name if file.name == "__init__.py" else parent
        waiting += [parent, *_named(ast.parse(file.read_text()), package)]
    return found


def _file(name: str, roots: Sequence[Path]) -> Path | None:
    for root in roots if name else ():
        path = root.joinpath(*name.split("."))
        for file in (path / "__init__.py", path.with_suffix(".py")):
            if file.is_file():
                return file
    return None


def _named(tree: ast.AST, package: str) -> Iterator[str]:
    """Yields every name that may be a module's."""
    for node in _run(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: package.count(".") + 2 - node.level] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (base, *(f"{base}.{alias.name}" for alias in node.names))
        elif isinstance(node, ast.Constant) and _is_dotted_name(node.value):
            yield str(node.value)


def _is_dotted_name(value: object) -> bool:
    return isinstance(value, str) and "." in value and all(map(str.isidentifier, value.split(".")))


def _run(node: ast.AST) -> Iterator[ast.AST]:
    """Walks a tree past what is there for type checkers."""
    yield node
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            for other in child.orelse:
                yield from _run(other)
        else:
            yield from _run(child)
