"""Finds what is wrong in a document: the one entry of the tests."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tests.documents import blocks
from tests.documents.commands import PROGRAMS, command_problems
from tests.documents.names import name_problems, variable_problems
from tests.documents.pages import Command, Piece, commands, pieces

if TYPE_CHECKING:
    from collections.abc import Iterator

Check = Callable[[Piece], list[str]]

UNCHECKED = {
    ("docs/ranking.md", "utility = "): "a formula",
    ("tests/conformance/README.md", "vectors ("): "a drawing",
}
"""Blocks that nothing could read: the document, the block's beginning, and what it is."""
_BEGINNINGS = {
    "python": re.compile(r"from \w+ import "),
    "sh": re.compile(r"(export|for) |[A-Z_]+=\S* "),
    "sql": re.compile(r"-- |SELECT "),
    "json": re.compile(r"\{"),
    "values": re.compile(r"(\w+\.)+\w+: "),
    "yaml": re.compile(r"[\w-]+:( |\n|$)"),
}
"""What blocks without a fence begin with."""


def shell_problems(piece: Piece) -> list[str]:
    """Returns what is wrong with the commands of a block."""
    try:
        found = list(commands(piece))
    except ValueError as error:
        return [f"is no shell: {error}"]
    return [problem for command in found for problem in command_problems(command)]


LANGUAGES: dict[str, Check] = {
    "sh": shell_problems,
    "sql": lambda piece: blocks.sql_problems(piece.text),
    "yaml": blocks.yaml_problems,
    "json": blocks.json_problems,
    "csv": blocks.csv_problems,
    "toml": lambda piece: blocks.recipe_problems(piece.text),
    "python": blocks.python_problems,
    "go": blocks.client_problems,
    "java": blocks.client_problems,
    "ts": blocks.client_problems,
    "xml": blocks.xml_problems,
    "text": lambda _: [],  # the output of a program
    "values": blocks.values_path_problems,
    "mermaid": lambda _: [],  # a drawing, which GitHub reads
}


def language_of(piece: Piece) -> str:
    """Returns the language of a block: that of its fence, or what its beginning looks like."""
    program = Path(piece.text.split(maxsplit=1)[0]).name if piece.text.strip() else ""
    if program in PROGRAMS:
        return piece.language or "sh"
    found = (language for language, begins in _BEGINNINGS.items() if begins.match(piece.text))
    return piece.language or next(found, "")


def mentions(piece: Piece) -> list[Command]:
    """Returns the commands in a text in backticks: none if it does not begin with a program."""
    program, *rest = piece.text.split()[:3]
    needed = 2 if program == "python" else 1
    if program not in PROGRAMS or len(rest) < needed:
        return []
    return list(commands(piece, is_mention=True))


def block_problems(piece: Piece) -> list[str]:
    """Returns what is wrong with a block."""
    if any(piece.text.startswith(begin) for page, begin in UNCHECKED if page == piece.document):
        return []
    language = language_of(piece)
    if language not in LANGUAGES:
        is_comment = not piece.document.endswith((".md", ".txt"))
        return [] if is_comment else [f"no check for this block: {piece.text[:40]!r}"]
    return LANGUAGES[language](piece)


def document_problems(document: str, text: str) -> Iterator[str]:
    """Yields everything that is wrong in a document, with its line."""
    found, spans = pieces(document, text)
    yield from variable_problems(document, text)
    for piece in found:
        yield from (f"{piece}: {problem}" for problem in block_problems(piece))
    for piece in spans:
        yield from (f"{piece}: {problem}" for problem in name_problems(piece))
        for command in mentions(piece):
            yield from (f"{piece}: {problem}" for problem in command_problems(command))
