"""Files that operators write: YAML text -> nodes with line numbers -> a typed, checked value.

A file with problems is refused with all of them, each with its line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from services.rpc.reload import FileProblemsError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FileT = TypeVar("FileT", bound=BaseModel)
Location = tuple[str | int, ...]


class YamlFile(Generic[FileT]):
    """What a file says, and where.

    Args:
        kind: The type of its content.
        path: The file.

    Raises:
        FileProblemsError: It is missing, is not YAML or is no such content; all problems are listed.
    """

    def __init__(self, kind: type[FileT], path: Path) -> None:
        self._path = path
        try:
            root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
            data = None if root is None else yaml.SafeLoader("").construct_document(root)
        except (OSError, UnicodeDecodeError) as error:
            raise self._error([f"cannot be read: {error}"]) from error
        except yaml.YAMLError as error:
            raise self._error([f"is not YAML: {error}"]) from error
        if root is None:
            raise self._error(["is empty"])
        self._root = root
        try:
            self.value = kind.model_validate(data)
        except ValidationError as error:
            problems = [
                self.problem(item["loc"], item["msg"])
                for item in error.errors(include_url=False, include_input=False)
            ]
            raise self._error(problems) from error

    def problem(self, location: Location, text: str) -> str:
        """Returns a problem with its line and place."""
        place = ".".join(str(part) for part in location)
        return f"line {self._line(location)}: {place or 'file'}: {text}"

    def check(self, contradictions: Callable[[YamlFile[FileT]], list[str]]) -> FileT:
        """Returns the value if nothing in it contradicts itself.

        Raises:
            FileProblemsError: Something does.
        """
        problems = contradictions(self)
        if problems:
            raise self._error(problems)
        return self.value

    def _error(self, problems: list[str]) -> FileProblemsError:
        return FileProblemsError([f"{self._path}: {problem}" for problem in problems])

    def _line(self, location: Location) -> int:
        """Returns the line, from 1, of the deepest part of a location that the file holds."""
        node: Any = self._root
        for part in location:
            if part == "urls" and isinstance(node, yaml.SequenceNode):
                continue  # the key that a bare list of endpoints stands for
            child: yaml.Node | None = None
            if isinstance(node, yaml.MappingNode):
                child = next((value for key, value in node.value if key.value == part), None)
            elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
                child = node.value[part] if part < len(node.value) else None
            if child is None:
                break
            node = child
        return int(node.start_mark.line) + 1
