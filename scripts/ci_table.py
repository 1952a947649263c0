"""Prints what `make ci` ran as one table; exits 1 if any of it failed.

The folder holds `checks`, with a make target, its exit status and its seconds on every line, and the
JUnit reports of targets: TARGET.xml, TARGET.PART.xml. The tests of a folder below tests/ are one row.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD = ("", "passed", "failed", "skipped", "seconds")
NOT_RUN = """\
Not run here, but by `make release-check`: images (make image-buildah test-images), vLLM (make
test-vllm), small real models (make test-models), slow tests (make test-slow), mutants of the core
(make test-mutants), the chart in a control plane (make test-chart-cluster), its pods in a real
cluster (make test-cluster)."""


class Check(NamedTuple):
    """A make target that ran."""

    target: str
    status: int
    seconds: float


class Suite(NamedTuple):
    """The outcomes of the tests of one suite, and the sum of the times that they took."""

    name: str
    outcomes: Counter[str]
    seconds: float


def main() -> None:
    """Reads the folder that the command line names."""
    folder = Path(sys.argv[1])
    checks = list(read_checks(folder / "checks"))
    suites = {check.target: list(read_suites(folder, check.target)) for check in checks}
    failed = [check.target for check in checks if has_failed(check, suites[check.target])]
    rows = [row for check in checks for row in rows_of(check, suites[check.target], failed)]
    print("\n" + table(rows))
    print(f"\n{NOT_RUN}")
    if failed:
        raise SystemExit(f"FAILED: {', '.join(failed)}")


def read_checks(path: Path) -> Iterator[Check]:
    """Yields the targets that ran, in that order."""
    for line in path.read_text().splitlines():
        target, status, seconds = line.split()
        yield Check(target, int(status), float(seconds))


def read_suites(folder: Path, target: str) -> Iterator[Suite]:
    """Yields the suites of a target's reports."""
    for path in sorted([*folder.glob(f"{target}.*.xml"), *folder.glob(f"{target}.xml")]):
        # Our own tests wrote it.
        for element in ET.parse(path).getroot().iter("testsuite"):  # noqa: S314
            yield from read_suite(element)


def read_suite(element: ET.Element) -> Iterator[Suite]:
    """Yields a suite as it is, or one per folder of tests where pytest wrote it."""
    name = element.get("name", "")
    if name != "pytest":
        outcomes = Counter(map(outcome, element.iter("testcase")))
        yield Suite(name, outcomes, float(element.get("time", 0)))
        return
    by_folder: dict[str, list[ET.Element]] = {}
    for case in element.iter("testcase"):
        # A module that cannot be imported has its name where a test has its class.
        module = case.get("classname") or case.get("name") or ""
        by_folder.setdefault("/".join(module.split(".")[:2]), []).append(case)
    for folder, cases in sorted(by_folder.items()):
        seconds = sum(float(case.get("time", 0)) for case in cases)
        yield Suite(folder, Counter(map(outcome, cases)), seconds)


def outcome(case: ET.Element) -> str:
    """Returns passed, failed or skipped."""
    kinds = {child.tag for child in case}
    if kinds & {"failure", "error"}:
        return "failed"
    return "skipped" if "skipped" in kinds else "passed"


def has_failed(check: Check, suites: list[Suite]) -> bool:
    """Returns whether a target failed; a target of tests of which none passed did."""
    passed = any(suite.outcomes["passed"] for suite in suites)
    return check.status != 0 or (check.target.startswith("test") and not passed)


def rows_of(check: Check, suites: list[Suite], failed: list[str]) -> Iterator[tuple[str, ...]]:
    """Yields the row of a target and, below it, those of its suites."""
    cells = ("", "FAILED", "") if check.target in failed else ("ok", "", "")
    yield f"make {check.target}", *cells, f"{check.seconds:.0f}"
    for suite in suites:
        counts = (str(suite.outcomes[name]) for name in HEAD[1:4])
        yield f"  {suite.name}", *counts, f"{suite.seconds:.0f}"


def table(rows: list[tuple[str, ...]]) -> str:
    """Returns the rows below their head, in columns."""
    lines = [HEAD, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    return "\n".join(
        line[0].ljust(widths[0])
        + "".join(f"  {cell:>{width}}" for cell, width in zip(line[1:], widths[1:], strict=True))
        for line in lines
    )


if __name__ == "__main__":
    main()
