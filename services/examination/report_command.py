"""`routemoa examine report`: who is good at what, at what price; records for the scorer."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from services.evaluation.report.document import console_table, markdown
from services.examination.asking.folder import FolderError, read_examination
from services.examination.asking.stock import TooManyKindsError
from services.examination.questions.own_questions import OwnQuestionsError
from services.examination.results.findings import find
from services.examination.results.profile import profile_of
from services.examination.results.report import report_document, report_page
from services.examination.results.scorer_records import write_scorer_records

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.examination.results.findings import Findings
    from services.examination.results.profile import Profile

EXIT_BAD_INPUT = 2


def main(arguments: Sequence[str]) -> int:
    """Shows an examination; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        examination = read_examination(options.folder)
        before = read_examination(options.before).answers if options.before else ()
        stock = examination.stock()
    except (FolderError, OwnQuestionsError, TooManyKindsError) as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_BAD_INPUT
    if not examination.answers:
        sys.stderr.write(f"{options.folder} has no answer yet\n")
        return EXIT_BAD_INPUT
    profile = profile_of(examination.answers, stock)
    findings = find(examination, profile, stock, before)
    sentences = {"warning": findings.warnings, "advice": findings.advice}
    document = report_document(examination, profile, sentences)
    try:
        if options.markdown:
            options.markdown.write_text(markdown(document), encoding="utf-8")
        if options.html:
            options.html.write_text(report_page(document, profile), encoding="utf-8")
        if options.records:
            write_scorer_records(options.records, profile, stock)
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_BAD_INPUT
    if options.json:
        sys.stdout.write(json.dumps(_as_dict(profile, findings), indent=2) + "\n")
        return 0
    console = Console()
    for grid in document.grids:
        console.print(console_table(grid), "")
    console.print(document.note)
    return 0


def _as_dict(profile: Profile, findings: Findings) -> dict[str, Any]:
    """Returns the figures, for a program."""
    return {
        "kinds": profile.kinds,
        "models": [
            {
                "model": model.model_id,
                "answers": model.answers,
                "success": model.mean_success,
                "standard_error": model.mean_error,
                "usd_per_answer": model.usd_per_answer,
                "median_s": model.median_s,
                "success_by_kind": dict(zip(profile.kinds, model.success.tolist(), strict=True)),
                "standard_error_by_kind": dict(
                    zip(profile.kinds, model.errors.tolist(), strict=True)
                ),
            }
            for model in profile.models
        ],
        "warnings": findings.warnings,
        "advice": findings.advice,
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("routemoa examine report", description=__doc__)
    add = parser.add_argument
    add("folder", type=Path, help="folder of the examination")
    add("--before", type=Path, help="folder of an earlier one: which models have changed?")
    add("--html", type=Path, help="write a page with pictures to this file")
    add("--markdown", type=Path, help="write the report to this file")
    add("--records", type=Path, help="write routing records for the scorer, gzip, to this file")
    add("--json", action="store_true", help="print one JSON object")
    return parser
