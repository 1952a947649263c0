"""Reads files that operators write: YAML text -> nodes with line numbers -> a typed, valid value.

A file with problems is rejected; the error lists all of them, each with its line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from services.router.pool.yaml_nodes import (
    MAX_BYTES,
    YamlProblemsError,
    line_of,
    read_yaml,
    shown,
)
from services.rpc.file_problems import FileProblemsError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FileT = TypeVar("FileT", bound=BaseModel)
_MAX_PROBLEMS = 50
FieldPath = tuple[str | int, ...]
"""Keys and list indices from the root of a file to a field."""


class YamlFile(Generic[FileT]):
    """The value in a file, with the lines of its fields.

    Args:
        kind: The type of the value.
        path: The file.

    Raises:
        FileProblemsError: The file is missing, is not YAML or is invalid; all problems are listed.
    """

    def __init__(self, kind: type[FileT], path: Path) -> None:
        self._path = path
        try:
            with path.open("rb") as file:
                document = read_yaml(file.read(MAX_BYTES + 1))
        except OSError as error:
            raise self._error([f"cannot be read: {error.strerror or error}"]) from error
        except YamlProblemsError as error:
            raise self._error(error.problems) from error
        if document is None:
            raise self._error(["is empty"])
        self._root = document.root
        try:
            self.value = kind.model_validate(document.data)
        except ValidationError as error:
            problems = [
                self.problem(item["loc"], item["msg"])
                for item in error.errors(include_url=False, include_input=False)[:_MAX_PROBLEMS]
            ]
            raise self._error(problems) from error
        except OSError as error:  # of a file that the value names, which pydantic does not collect
            name = shown(str(error.filename))
            raise self._error([f"line 1: file: {name}: {error.strerror}"]) from error

    def problem(self, field: FieldPath, text: str) -> str:
        """Returns the message for a problem, with its line and field."""
        name = shown(".".join(str(part) for part in field))
        return f"line {self._line(field)}: {name or 'file'}: {shown(text)}"

    def check(self, contradictions: Callable[[YamlFile[FileT]], list[str]]) -> FileT:
        """Returns the value if it has no contradictions.

        Raises:
            FileProblemsError: It has some; all are listed.
        """
        problems = contradictions(self)
        if problems:
            raise self._error(problems)
        return self.value

    def _error(self, problems: list[str]) -> FileProblemsError:
        return FileProblemsError([f"{self._path}: {problem}" for problem in problems])

    def _line(self, field: FieldPath) -> int:
        """Returns the line, from 1, of the deepest part of a field's path that the file has."""
        node: Any = self._root
        for part in field:
            if part == "urls" and isinstance(node, yaml.SequenceNode):
                continue  # a bare list of endpoints means this key
            child: yaml.Node | None = None
            if isinstance(node, yaml.MappingNode):
                # The last one holds: what a map repeats of others by `<<` stands before its own.
                child = next((v for key, v in reversed(node.value) if key.value == part), None)
            elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
                child = node.value[part] if part < len(node.value) else None
            if child is None:
                break
            node = child
        return line_of(node)
