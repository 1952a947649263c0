"""Reads YAML within bounds: bytes -> nodes with lines -> plain data.

A file may be large, deep, or short and say the same thing a billion times; none of them takes long or
much memory, and every problem has its line. Dates are texts, and keys are texts that stand once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 32
MAX_SIZE = 100_000
"""Most values of a file. An alias counts as all that it repeats; a long text counts as several."""
_MAX_NUMBER_CHARACTERS = 64
_MAX_PROBLEMS = 50
_MAX_SHOWN = 500
"""Most characters of a message's part."""
_CHARACTERS_PER_VALUE = 100
_CORE = "tag:yaml.org,2002:"
_NUMBERS = frozenset({f"{_CORE}int", f"{_CORE}float"})
_TAGS = _NUMBERS | {f"{_CORE}{name}" for name in ("null", "bool", "str", "seq", "map", "merge")}


class YamlProblemsError(Exception):
    """Raised for YAML that cannot be read; holds one line of text per problem."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class YamlDocument:
    """The content of a file."""

    root: yaml.Node
    data: Any


def read_yaml(content: bytes) -> YamlDocument | None:
    """Returns the document in a file; None if it is empty.

    Raises:
        YamlProblemsError: It is too large or is not YAML; all problems that were found are listed.
    """
    if len(content) > MAX_BYTES:
        raise YamlProblemsError([f"is larger than {MAX_BYTES:,} bytes"])
    text = _decoded(content)
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        if root is None:
            return None
        problems = _Checked(root).problems
        if problems:
            raise YamlProblemsError(_first(problems))
        return YamlDocument(root=root, data=loader.construct_document(root))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlProblemsError([_not_yaml(mark, error.problem or error.context or "")]) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        problem = f"line {line}: is not YAML: the character U+{ord(text[error.position]):04X}"
        raise YamlProblemsError([f"{problem} is not allowed"]) from error


def shown(text: str) -> str:
    """Returns a text of the file for a message: on one line, of bounded length, without controls."""
    cut = text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in cut
    )


def line_of(node: yaml.Node) -> int:
    """Returns the line of a node, from 1."""
    return int(node.start_mark.line) + 1


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        problem = f"line {line}: cannot be read: the byte 0x{content[error.start]:02x} is not UTF-8"
        raise YamlProblemsError([problem]) from error


def _not_yaml(mark: yaml.Mark | None, problem: str) -> str:
    line = 1 if mark is None else mark.line + 1
    return f"line {line}: is not YAML: {shown(problem)}"


def _first(problems: list[str]) -> list[str]:
    more = len(problems) - _MAX_PROBLEMS
    return problems if more <= 0 else [*problems[:_MAX_PROBLEMS], f"and {more} more problems"]


class _Loader(yaml.SafeLoader):
    """A loader that stops early, and whose errors are YAML errors with a line."""

    yaml_implicit_resolvers = {  # noqa: RUF012  # as its base declares it
        start: [(tag, form) for tag, form in forms if tag != f"{_CORE}timestamp"]
        for start, forms in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = self._count = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        self._count += 1
        self._depth += 1
        if self._depth > MAX_DEPTH or self._count > MAX_SIZE:
            raise yaml.MarkedYAMLError(
                problem=_TOO_DEEP if self._depth > MAX_DEPTH else _TOO_MUCH,
                problem_mark=self.peek_event().start_mark,  # type: ignore[no-untyped-call]
            )
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:  # noqa: FBT001, FBT002  # PyYAML's signature
        try:
            return super().construct_object(node, deep)
        except yaml.YAMLError:
            raise
        except Exception as error:
            kind = node.tag.removeprefix(_CORE)
            raise yaml.MarkedYAMLError(
                problem=f"the value is not of the type {kind}", problem_mark=node.start_mark
            ) from error


_TOO_DEEP = f"it is nested deeper than {MAX_DEPTH} levels"
_TOO_MUCH = f"it has more than {MAX_SIZE:,} values, with those that aliases repeat"


@dataclass(frozen=True, slots=True)
class _Extent:
    """The size of a node with everything in it."""

    size: int
    height: int


class _Checked:
    """Collects the problems of a node and of everything in it, and visits no node twice."""

    def __init__(self, root: yaml.Node) -> None:
        self.problems: list[str] = []
        self._known: dict[int, _Extent | None] = {}
        """By the id of the node; None while it is being visited."""
        self._stopped = False
        self._visit(root)

    def _visit(self, node: yaml.Node) -> _Extent:
        if id(node) in self._known:
            extent = self._known[id(node)]
            if extent is None:
                self._stop(node, "an alias repeats the value that it is in")
            return extent or _Extent(1, 1)
        self._known[id(node)] = None
        if node.tag not in _TAGS:
            self._add(node, f"the tag {shown(node.tag)} is not supported")
        size, height = 1, 0
        for child in self._children(node):
            extent = self._visit(child)
            size, height = size + extent.size, max(height, extent.height)
            if self._stopped:
                break
            if size > MAX_SIZE or height >= MAX_DEPTH:
                self._stop(child, _TOO_MUCH if size > MAX_SIZE else _TOO_DEEP)
                break
        if isinstance(node, yaml.ScalarNode):
            size += self._scalar(node)
        extent = self._known[id(node)] = _Extent(size, height + 1)
        return extent

    def _children(self, node: yaml.Node) -> Iterator[yaml.Node]:
        if isinstance(node, yaml.SequenceNode):
            yield from node.value
        elif isinstance(node, yaml.MappingNode):
            self._keys(node)
            for key, value in node.value:
                yield key
                yield value

    def _keys(self, node: yaml.MappingNode) -> None:
        lines: dict[str, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._add(key, "a key must be a text, is a list or a map")
            elif key.tag not in {f"{_CORE}str", f"{_CORE}merge"}:
                self._add(key, f"the key {shown(key.value)} must be a text: put it in quotes")
            elif key.value in lines:
                problem = f"the key {shown(key.value)} stands here twice, first in line"
                self._add(key, f"{problem} {lines[key.value]}")
            else:
                lines[key.value] = line_of(key)

    def _scalar(self, node: yaml.ScalarNode) -> int:
        """Checks a scalar; returns how many values its length counts as."""
        if node.tag in _NUMBERS and len(node.value) > _MAX_NUMBER_CHARACTERS:
            self._add(node, f"a number has more than {_MAX_NUMBER_CHARACTERS} characters")
        return len(node.value) // _CHARACTERS_PER_VALUE

    def _add(self, node: yaml.Node, problem: str) -> None:
        self.problems.append(f"line {line_of(node)}: {problem}")

    def _stop(self, node: yaml.Node, problem: str) -> None:
        self._add(node, problem)
        self._stopped = True
