"""The results of every language as a JUnit report, the form that pytest writes too."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.conformance.case import Case


def junit(
    cases: Sequence[Case],
    results: Mapping[str, Mapping[str, Sequence[str]]],
    skipped: Mapping[str, str],
    seconds: Mapping[str, float],
) -> ET.ElementTree[ET.Element]:
    """Returns one suite per language: its cases, or its build where no case could run.

    Args:
        cases: Those that should have run.
        results: The problems of every case that ran, by language and by the case's name.
        skipped: The reasons of languages that did not run; `FAILED` begins those that are failures.
        seconds: The time that each language took.
    """
    root = ET.Element("testsuites")
    for language, by_case in results.items():
        suite = _suite(root, language, seconds[language])
        for case in cases:
            found = by_case.get(case.name, ["not run"])
            _add(suite, case.name, "failure" if found else None, "; ".join(found))
    for language, reason in skipped.items():
        kind = "failure" if reason.startswith("FAILED") else "skipped"
        _add(_suite(root, language, 0.0), "build", kind, reason)
    return ET.ElementTree(root)


def _suite(root: ET.Element, language: str, seconds: float) -> ET.Element:
    return ET.SubElement(root, "testsuite", name=f"conformance, {language}", time=f"{seconds:.3f}")


def _add(suite: ET.Element, name: str, kind: str | None, message: str) -> None:
    case = ET.SubElement(suite, "testcase", name=name)
    if kind is not None:
        ET.SubElement(case, kind, message=message)
