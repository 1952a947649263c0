"""Reads decisions and feedback from files of JSON lines, plain or gzip.

A file may hold decisions, feedback or both, one JSON object per line. A directory is one that routers
write to. If a line is bad, nothing is used, and all problems are reported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scorer.data.lines import Problems, numbered_lines
from scorer.learning.traffic.traffic import Lines, NoTrafficError, TrafficError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from scorer.learning.traffic.traffic import Traffic


def read_files(paths: Sequence[Path]) -> Traffic:
    """Reads files of JSON lines, plain or gzip, and directories of ``*.jsonl.gz``.

    Raises:
        NoTrafficError: There is no decision.
        TrafficError: A line cannot be read, or a directory beside others is empty.
    """
    problems, empty, lines = Problems(), Problems(), Lines()
    for path in _files(paths, empty):
        seen = Problems()
        for number, text in numbered_lines(path, seen):
            if problem := lines.add(text):
                seen.add(f"line {number}: {problem}")
        for problem in seen.listed:
            problems.add(f"{path}: {problem}")
        problems.unlisted += seen.unlisted
    if problems or (empty and lines.decisions):
        listed = [*empty.listed, *problems.listed]
        raise TrafficError(paths[0], listed, unlisted=empty.unlisted + problems.unlisted)
    if not lines.decisions:
        raise NoTrafficError(paths[0], empty.listed or ["there is no decision record"])
    return lines.joined()


def _files(paths: Sequence[Path], empty: Problems) -> Iterator[Path]:
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        files = sorted(path.glob("*.jsonl.gz"))
        if not files:
            empty.add(f"{path}: has no *.jsonl.gz; the router finishes a file when it ends")
        yield from files
