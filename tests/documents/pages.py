"""Reads documents: their blocks of code, the commands in these, and the names in backticks."""

from __future__ import annotations

import re
import shlex
import subprocess
import textwrap
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
HISTORY = {"CHANGELOG.md"}
"""Documents that name things as they once were."""
COMMENTED = ("deploy", ".ci")
"""Folders with files whose comments show commands."""
PLACEHOLDER = "PLACEHOLDER"
"""Stands for a name in angle brackets."""

_FENCE = re.compile(r" *```(\w*)")
_SPAN = re.compile(r"`([^`]+)`")
_OPERATORS = {"|", "||", "&", "&&", ";", "\n"}
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)
_PLACEHOLDER = re.compile(r"<\w+>")
_OPTIONAL = re.compile(r"(?<= )\[([^\]]*)\]")
_TEMPLATE = re.compile(r"\{\{[^}]*\}\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A block of code, or a text in backticks."""

    document: str
    line: int
    text: str
    language: str = ""
    """The language of a fenced block; empty for other pieces."""

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"

    @property
    def folder(self) -> Path:
        """The folder of the document."""
        return (ROOT / self.document).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One program with its arguments, as a document shows it."""

    place: Piece
    words: tuple[str, ...]
    is_mention: bool = False
    """True within a sentence, where required arguments may be missing."""

    def __str__(self) -> str:
        return " ".join(self.words)


def tracked(*patterns: str) -> dict[str, str]:
    """Returns the text of tracked files by their paths; files that are no text are left out."""
    command = ["git", "grep", "-lIz", "", "--", *patterns]
    done = subprocess.run(  # noqa: S603  # a fixed command
        command, cwd=ROOT, check=True, capture_output=True, text=True
    )
    paths = [path for path in done.stdout.split("\0") if path]
    return {path: (ROOT / path).read_text(encoding="utf-8") for path in paths}


@cache
def documents() -> dict[str, str]:
    """Returns the text of every document by its path; of other files, their comments."""
    found = {}
    for path, text in tracked("*.md", "*NOTES.txt", *COMMENTED).items():
        is_page = path.endswith((".md", "NOTES.txt"))
        shown = text if is_page else comments(text)
        if path not in HISTORY and shown.strip():
            found[path] = shown
    return found


def comments(text: str) -> str:
    """Returns the comments of a file as a document with the same lines."""
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line[2:] if line.startswith("# ") else "" for line in lines)


def pieces(document: str, text: str) -> tuple[list[Piece], list[Piece]]:
    """Returns the blocks of code of a document, and its texts in backticks."""
    is_page = document.endswith(".md")
    indent = " " * (4 if is_page else 2)
    if document.endswith("NOTES.txt"):
        text = _TEMPLATE.sub("routemoa", text)
    blocks: list[Piece] = []
    prose: list[str] = []
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        fence = _FENCE.match(lines[number])
        is_first = not (is_page and number and lines[number - 1].strip())
        end = number + 1
        if fence:
            while end < len(lines) and not _FENCE.match(lines[end]):
                end += 1
            body, language, end = lines[number + 1 : end], fence[1], end + 1
        elif is_first and lines[number].startswith(indent):
            while end < len(lines) and (lines[end].startswith(indent)):
                end += 1
            body, language = lines[number:end], ""
        else:
            prose.append(lines[number])
            number += 1
            continue
        code = textwrap.dedent("\n".join(body))
        blocks.append(Piece(document=document, line=number + 1, text=code, language=language))
        prose += [""] * (end - number)
        number = end
    return blocks, list(_spans(document, "\n".join(prose)))


def _spans(document: str, prose: str) -> Iterator[Piece]:
    for paragraph in re.finditer(r"(?:.+\n?)+", prose):
        for span in _SPAN.finditer(paragraph[0]):
            line = prose.count("\n", 0, paragraph.start() + span.start()) + 1
            yield Piece(document=document, line=line, text=" ".join(span[1].split()))


def commands(piece: Piece, *, is_mention: bool = False) -> Iterator[Command]:
    """Yields the commands of a shell block, or of a text in backticks.

    Raises:
        ValueError: A quotation does not end.
    """
    text = piece.text.replace("\\\n", " ")
    if is_mention:
        text = _OPTIONAL.sub(r"\1", _PLACEHOLDER.sub(PLACEHOLDER, text))
    for row in text.splitlines():
        words: list[str] = []
        for word in (*_words(row), "\n"):
            if word not in _OPERATORS:
                words.append(word)
                continue
            command = _command(piece, words, is_mention=is_mention)
            if command is not None:
                yield command
            words = []


def _words(row: str) -> Iterator[str]:
    lexer = shlex.shlex(row, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    return iter(lexer)


def _command(piece: Piece, words: list[str], *, is_mention: bool) -> Command | None:
    """Returns the command of words between operators; None where the shell runs no program."""
    words = words[1:] if words[:1] in (["do"], ["export"]) else words
    while words and _ASSIGNMENT.fullmatch(words[0]):
        words = words[1:]
    if ">" in words:
        words = words[: words.index(">")]
    if not words or words[0] in {"for", "done"}:
        return None
    program, *arguments = words
    return Command(place=piece, words=(Path(program).name, *arguments), is_mention=is_mention)
