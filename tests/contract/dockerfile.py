"""Reads the Dockerfile and .dockerignore -> the files that each target holds, without a build.

Only what the repository brings is followed: COPY, and RUN rm of what was copied. Packages that a stage
installs are not.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).parents[2]
APP = PurePosixPath("/app")
"""The folder that holds the code in every image."""
TEXT = (ROOT / "deploy/docker/Dockerfile").read_text()
ARGUMENTS = dict(re.findall(r"^ARG (\w+)=(\S+)$", TEXT, re.MULTILINE))

Files = dict[PurePosixPath, Path]
"""Paths in an image -> the files of the repository that were copied there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage: the name of what it builds on, and its own instructions."""

    base: str
    lines: tuple[str, ...]


def _stages() -> Mapping[str, Stage]:
    found: dict[str, Stage] = {}
    name = ""
    for line in re.sub(r"\\\n\s*", "", TEXT).splitlines():
        if match := re.match(r"FROM (\S+) AS (\S+)", line):
            base, name = match.groups()
            found[name] = Stage(base=base, lines=() if base in found else (line,))
        elif name and line and not line.startswith("#"):
            stage = found[name]
            found[name] = Stage(base=stage.base, lines=(*stage.lines, line))
    return found


STAGES = _stages()


def instructions(target: str) -> list[str]:
    """Returns the instructions of a target, those of the stages under it first."""
    stage = STAGES[target]
    under = instructions(stage.base) if stage.base in STAGES else []
    return [*under, *stage.lines]


def command(target: str, kind: str) -> list[str]:
    """Returns the words of a target's ENTRYPOINT, CMD or HEALTHCHECK; empty where it has none."""
    matches = [line for line in instructions(target) if line.startswith(f"{kind} ")]
    if not matches:
        return []
    words: list[str] = json.loads(matches[-1][matches[-1].index("[") :])
    return words


def files(target: str) -> Files:
    """Returns every file that a target has from the repository."""
    found: Files = {}
    folder = PurePosixPath("/")
    for line in instructions(target):
        kind, _, rest = line.partition(" ")
        if kind == "WORKDIR":
            folder /= rest
        elif kind == "COPY":
            found |= _copied(rest, folder)
        elif kind == "RUN":
            for removed in _removed(rest):
                found = {path: file for path, file in found.items() if not _within(path, removed)}
    return found


def lay_out(target: str, folder: Path) -> None:
    """Copies what a target has in /app into a folder."""
    for path, file in files(target).items():
        if _within(path, APP):
            place = folder / path.relative_to(APP)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, place)


def _copied(rest: str, folder: PurePosixPath) -> Files:
    words = [re.sub(r"\$\{(\w+)\}", lambda m: ARGUMENTS[m[1]], word) for word in rest.split()]
    options = [word for word in words if word.startswith("--")]
    *sources, place = words[len(options) :]
    target = folder / place
    into = len(sources) > 1 or place.endswith("/")
    for option in options:
        name, _, value = option.partition("=")
        assert name == "--from", f"COPY {option} is not understood"
        return {
            target / path.relative_to(source): file
            for source in sources
            for path, file in files(value).items()
            if _within(path, PurePosixPath(source))
        }
    return {
        path: file for source in sources for path, file in _from_context(source, target, into=into)
    }


def _from_context(
    source: str, target: PurePosixPath, *, into: bool
) -> Iterator[tuple[PurePosixPath, Path]]:
    for match in ROOT.glob(source):
        for file in sorted(match.rglob("*")) if match.is_dir() else [match]:
            if file.is_file() and not _ignored(file.relative_to(ROOT).as_posix()):
                inner = file.relative_to(match) if match.is_dir() else match.name if into else "."
                yield target / inner, file


def _removed(rest: str) -> Iterator[PurePosixPath]:
    for part in rest.split("&&"):
        words = part.split()
        if words[:1] == ["rm"]:
            yield from (PurePosixPath(word) for word in words[1:] if not word.startswith("-"))


def _within(path: PurePosixPath, folder: PurePosixPath) -> bool:
    return path == folder or folder in path.parents


def _ignore_rules() -> list[tuple[re.Pattern[str], bool]]:
    """Returns patterns, each with whether it ignores what it matches; the last match decides."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = []
    for line in lines:
        if line and not line.startswith("#"):
            parts = re.split(r"(\*\*/|\*)", line.removeprefix("!"))
            pattern = "".join(
                {"**/": "(?:.*/)?", "*": "[^/]*"}.get(part, re.escape(part)) for part in parts
            )
            # What is in a folder goes with it.
            rules.append((re.compile(f"{pattern}(?:/.*)?"), not line.startswith("!")))
    return rules


IGNORE_RULES = _ignore_rules()


def _ignored(path: str) -> bool:
    ignored = False
    for pattern, ignores in IGNORE_RULES:
        if pattern.fullmatch(path):
            ignored = ignores
    return ignored
