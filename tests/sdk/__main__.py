"""`python -m tests.sdk`: runs every case with every installed SDK and prints a table.

Exits 1 if a client does not get what a case expects, or an SDK is not installed.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from tests.sdk.case import load_cases
from tests.sdk.client import CLIENTS, ROOT
from tests.sdk.suite import run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.sdk.case import Case
    from tests.sdk.client import Client
    from tests.sdk.suite import Results

BEGIN = "<!-- table -->\n"
END = "<!-- end of table -->\n"


def main() -> None:
    """Reads the command line, runs, prints, exits."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m tests.sdk")
    names = [client.name for client in CLIENTS]
    parser.add_argument("--clients", nargs="+", choices=names, default=names)
    parser.add_argument("--cases", nargs="+", metavar="NAME", help="names of cases; absent, all")
    parser.add_argument("--environments", type=Path, default=ROOT / ".venv-sdks")
    parser.add_argument("--markdown", type=Path, help="document whose table is replaced")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    cases = [case for case in load_cases() if not options.cases or case.name in options.cases]
    wanted = [client for client in CLIENTS if client.name in options.clients]
    clients = [client for client in wanted if client.is_installed(options.environments)]
    results = asyncio.run(run(cases, clients, options.environments, _print_problems))
    text = tables(cases, clients, results)
    sys.stdout.write("\n" + text)
    for client in wanted:
        if client not in clients:
            sys.stdout.write(f"{client.name}: not installed\n")
    if options.markdown:
        write_table(options.markdown, text)
    wrong = any(found for by_case in results.values() for found in by_case.values())
    raise SystemExit(1 if wrong or len(clients) < len(wanted) else 0)


def tables(cases: Sequence[Case], clients: Sequence[Client], results: Results) -> str:
    """Returns the table of the SDKs and the one of the frameworks, as far as there are any."""
    kinds = (("SDKs", False), ("Frameworks", True))
    texts = []
    for title, framework in kinds:
        rows = [case for case in cases if case.framework == framework]
        columns = [client for client in clients if bool(client.does) == framework]
        if rows and columns:
            texts.append(f"### {title}\n\n{table(rows, columns, results)}")
    return "\n".join(texts)


def table(cases: Sequence[Case], clients: Sequence[Client], results: Results) -> str:
    """Returns a table of cases and clients in Markdown."""
    names = [client.name for client in clients]
    lines = [f"| case | {' | '.join(names)} |", f"|---|{'---|' * len(names)}"]
    for case in cases:
        marks = [_mark(results[name].get(case.key)) for name in names]
        lines.append(f"| {case.id} | {' | '.join(marks)} |")
    passed = [_passed(results[name]) for name in names]
    lines.append(f"| **passed** | {' | '.join(passed)} |")
    return "\n".join(lines) + "\n"


def write_table(document: Path, text: str) -> None:
    """Replaces the table of a document."""
    before, _, rest = document.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    document.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def _print_problems(name: str, by_case: dict[str, list[str]]) -> None:
    for case, found in by_case.items():
        for problem in found:
            sys.stdout.write(f"{name}: {case}: {problem}\n")
    sys.stdout.write(f"{name}: {_passed(by_case)} cases passed\n")
    sys.stdout.flush()


def _passed(by_case: dict[str, list[str]]) -> str:
    return f"{sum(not found for found in by_case.values())} of {len(by_case)}"


def _mark(found: list[str] | None) -> str:
    if found is None:
        return "–"
    return "wrong" if found else "ok"


if __name__ == "__main__":
    main()
