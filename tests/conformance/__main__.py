"""`python -m tests.conformance`: builds every client, runs every case with each, prints the matrix.

Exits 1 if a client does not conform or its own tests fail. A language whose toolchain is absent is
skipped, and the matrix says so; in CI, that is a failure.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from tests.conformance.case import Case, load_cases
from tests.conformance.driver import DriverError, driving
from tests.conformance.junit import junit
from tests.conformance.language import LANGUAGES, Language
from tests.conformance.suite import Suite, playing
from tests.toolchain import is_required

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

BUILD_TIMEOUT_S = 900

Results = dict[str, list[str]]
"""The problems of every case that ran, by its name."""
Build = tuple[Path, tuple[tuple[str, ...], ...]]
"""A folder, and the commands that build the client in it."""


def main() -> None:
    """Reads the command line, runs, prints, exits."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m tests.conformance")
    names = [language.name for language in LANGUAGES]
    parser.add_argument("--clients", nargs="+", choices=names, default=names)
    every = load_cases()
    parser.add_argument(
        "--cases",
        nargs="+",
        choices=[case.name for case in every],
        metavar="NAME",
        help="names of cases; all unless given",
    )
    parser.add_argument("--no-build", action="store_true", help="use what was built before")
    parser.add_argument("--markdown", type=Path, help="file to write the matrix to")
    parser.add_argument("--junit", type=Path, help="file to write a JUnit report to")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    cases = [case for case in every if not options.cases or case.name in options.cases]
    chosen, skipped = ready(options.clients, builds=not options.no_build)
    results, seconds = asyncio.run(run(cases, chosen))
    print_problems(results)
    text = matrix(cases, results, skipped)
    sys.stdout.write("\n" + text)
    if options.markdown:
        options.markdown.write_text(text)
    if options.junit:
        options.junit.parent.mkdir(parents=True, exist_ok=True)
        junit(cases, results, skipped, seconds).write(options.junit, encoding="utf-8")
    wrong = any(found for by_case in results.values() for found in by_case.values())
    built_all = not any(reason.startswith("FAILED") for reason in skipped.values())
    raise SystemExit(0 if built_all and not wrong else 1)


def ready(names: Sequence[str], *, builds: bool) -> tuple[list[Language], dict[str, str]]:
    """Returns the languages that can be run, and by name why the others cannot."""
    wanted = [language for language in LANGUAGES if language.name in names]
    installed = [language for language in wanted if not language.missing]
    failed = failed_builds(installed) if builds else {}
    languages: list[Language] = []
    skipped: dict[str, str] = {}
    for language in wanted:
        if language.missing:
            failure = "FAILED, " if is_required() else ""
            skipped[language.name] = f"{failure}not installed: {language.missing}"
        elif command := failed.get((language.folder, language.build)):
            skipped[language.name] = f"FAILED: {command}"
        else:
            languages.append(language)
    return languages, skipped


def failed_builds(languages: Sequence[Language]) -> dict[Build, str]:
    """Builds clients side by side, each once; returns the commands that failed."""
    builds = sorted({(language.folder, language.build) for language in languages})
    with ThreadPoolExecutor() as threads:
        commands = threads.map(lambda each: build(*each), builds)
    return {each: command for each, command in zip(builds, commands, strict=True) if command}


def build(folder: Path, commands: tuple[tuple[str, ...], ...]) -> str:
    """Builds a client and runs its own tests; returns the command that failed, if one did."""
    for command in commands:
        sys.stdout.write(f"{folder.name}: {' '.join(command)}\n")
        sys.stdout.flush()
        done = subprocess.run(  # noqa: S603  # our own commands
            command, cwd=folder, check=False, timeout=BUILD_TIMEOUT_S
        )
        if done.returncode:
            return " ".join(command)
    return ""


async def run(
    cases: Sequence[Case], languages: Sequence[Language]
) -> tuple[Mapping[str, Results], Mapping[str, float]]:
    """Returns the problems of every case, and the time that the cases took, by language."""
    results: dict[str, Results] = {}
    seconds: dict[str, float] = {}
    async with playing(cases, version("routemoa")) as suite:
        for language in languages:
            started_s = time.perf_counter()
            results[language.name] = await run_language(suite, cases, language)
            seconds[language.name] = time.perf_counter() - started_s
    return results, seconds


async def run_language(suite: Suite, cases: Sequence[Case], language: Language) -> Results:
    """Runs every case with one client; a driver that dies ends its language."""
    results: Results = {}
    async with driving(language) as driver:
        for case in cases:
            try:
                results[case.name] = await suite.run(case, language, driver)
            except DriverError as error:
                results[case.name] = [str(error)]
                break
    return results


def print_problems(results: Mapping[str, Results]) -> None:
    """Prints what is wrong, one line each."""
    for language, by_case in results.items():
        for case, found in by_case.items():
            for problem in found:
                sys.stdout.write(f"{language} {case}: {problem}\n")


def matrix(
    cases: Sequence[Case], results: Mapping[str, Results], skipped: Mapping[str, str]
) -> str:
    """Returns a table of cases and languages in Markdown, and what was skipped."""
    names = list(results)
    lines = [f"| case | {' | '.join(names)} |", f"|---|{'---|' * len(names)}"]
    for case in cases:
        marks = [_mark(results[name].get(case.name)) for name in names]
        lines.append(f"| {case.name} | {' | '.join(marks)} |")
    passed = [str(sum(not found for found in results[name].values())) for name in names]
    lines.append(f"| **of {len(cases)}** | {' | '.join(passed)} |")
    lines += [f"\n{name}: skipped, {reason}" for name, reason in skipped.items()]
    return "\n".join(lines) + "\n"


def _mark(found: list[str] | None) -> str:
    if found is None:
        return "not run"
    return "wrong" if found else "ok"


if __name__ == "__main__":
    main()
