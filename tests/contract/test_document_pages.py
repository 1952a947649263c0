"""Rules that the documents keep, so that they stay readable and their links work."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
ADRS = ROOT / "docs/adr"
MAX_COLUMNS = 100
MAX_ADR_LINES = 40
MAX_RESULTS = 8

GENERATED = {"docs/config.md", "docs/errors.md", "deploy/k8s/routemoa/README.md"}
"""Documents whose lines come from code and values."""

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_URL = re.compile(r"[a-z]+:")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
_FENCED = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`]*`")
_ONE_LINK = re.compile(r" *(?:[-*] )?(?:\[[^\]]*\]\([^)]*\)|<?https?://\S+)[.,:;]?")
_NOT_IN_ANCHORS = re.compile(r"[^\w\- ]")


def documents() -> dict[str, str]:
    """Returns the text of every document of the repository by its path."""
    command = ["git", "ls-files", "-z", "*.md"]
    done = subprocess.run(  # noqa: S603  # a fixed command
        command, cwd=ROOT, check=True, capture_output=True, text=True
    )
    paths = [path for path in done.stdout.split("\0") if path and (ROOT / path).is_file()]
    return {path: (ROOT / path).read_text(encoding="utf-8") for path in paths}


def long_lines(text: str) -> list[str]:
    """Returns the lines beyond the limit, without tables, code and lines that are one link."""
    found, before, is_code = [], "", False
    for line in _FENCED.sub("", text).splitlines():
        is_code = line.startswith("    ") and (is_code or not before)
        before = line.strip()
        is_exempt = is_code or before.startswith("|") or _ONE_LINK.fullmatch(line)
        if len(line) > MAX_COLUMNS and not is_exempt:
            found.append(line)
    return found


def anchors(text: str) -> set[str]:
    """Returns the anchors of a document's headings, as GitHub makes them."""
    seen: Counter[str] = Counter()
    found = set()
    for heading in _HEADING.findall(_FENCED.sub("", text)):
        anchor = _NOT_IN_ANCHORS.sub("", heading.lower()).replace(" ", "-")
        found.add(f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor)
        seen[anchor] += 1
    return found


def broken_links(path: str, text: str) -> list[str]:
    """Returns the relative links of a document that lead to no file or no heading."""
    links = _LINK.findall(_CODE.sub("", _FENCED.sub("", text)))
    return [link for link in links if not (_URL.match(link) or is_whole(link, path, text))]


def is_whole(link: str, path: str, text: str) -> bool:
    """Returns whether the file and the heading of a relative link exist."""
    name, _, anchor = link.partition("#")
    target = (ROOT / path).parent / name
    if not target.exists() or not anchor:
        return target.exists()
    return anchor in anchors(target.read_text(encoding="utf-8") if name else text)


def test_lines_of_documents_fit_a_narrow_window() -> None:
    texts = documents()
    assert len(texts) > 50
    assert texts.keys() > GENERATED
    found = {path: long_lines(text) for path, text in texts.items()}
    assert not {p: lines for p, lines in found.items() if lines and p not in GENERATED}


def test_every_relative_link_leads_to_a_file_and_a_heading() -> None:
    texts = documents()
    broken = {path: broken_links(path, text) for path, text in texts.items()}
    assert not {path: links for path, links in broken.items() if links}


def test_the_readme_shows_few_results_and_each_has_its_page() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (?!what )[^|\n]+\|[^|\n]+\|[^|\n]+\| (\S.*) \|$", readme, re.MULTILINE)
    results = [row for row in rows if not row.startswith("---")]
    assert 0 < len(results) <= MAX_RESULTS
    assert all(_LINK.search(row) for row in results)


def test_every_decision_is_in_the_index_in_order() -> None:
    pages = sorted(path.name for path in ADRS.glob("[0-9]*.md"))
    assert [int(name[:4]) for name in pages] == list(range(1, len(pages) + 1))
    index = (ADRS / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| \[[^\]]+\]\(([^)]+)\) \| \S.*\. \|$", index, re.MULTILINE)
    assert [(int(number), name) for number, name in rows] == list(enumerate(pages, start=1))


def test_every_decision_fits_one_page() -> None:
    lengths = {
        path.name: len(path.read_text(encoding="utf-8").splitlines())
        for path in ADRS.glob("[0-9]*.md")
    }
    assert not {name: lines for name, lines in lengths.items() if lines > MAX_ADR_LINES}


def test_the_rules_find_what_they_forbid() -> None:
    long = "word " * 25
    assert long_lines(f"{long}\n\n- {long}\n") == [long, f"- {long}"]
    assert long_lines(f"    {long}\n") == []
    assert long_lines(f"text\n    {long}\n") == [f"    {long}"]
    assert long_lines(f"| {long} |\n\n```sh\n{long}\n```\n\n    {long}\n    {long}\n") == []
    assert long_lines(f"- [{long}](page.md)\n") == []
    assert anchors("# One `two`, three\n\n## A\n\n## A\n") == {"one-two-three", "a", "a-1"}
    page = "[a](absent.md) [b](#none) [c](#here) [d](https://a.b) `[e](code.md)`\n\n# Here\n"
    assert broken_links("README.md", page) == ["absent.md", "#none"]
    assert broken_links("docs/a.md", "[a](../README.md) [b](../README.md#none)") == [
        "../README.md#none"
    ]
