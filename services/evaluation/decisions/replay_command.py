"""`routemoa replay`: shows what another policy or scorer would have chosen for decision records."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from scorer import ArtifactError, ProviderUnavailableError
from services.evaluation.decisions.counterfactual import compare, strategies
from services.evaluation.decisions.decision_source import (
    DecisionsError,
    read_files,
    read_postgres,
)
from services.evaluation.decisions.decision_summary import summarize_decisions
from services.evaluation.decisions.decision_tables import (
    DecisionReport,
    decision_document,
    first_model_bars,
)
from services.evaluation.decisions.policy_overrides import (
    BadOverrideError,
    policy_of,
    read_overrides,
)
from services.evaluation.decisions.rescoring import Rescorer
from services.evaluation.report.document import html_page, markdown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from services.evaluation.decisions.counterfactual import Comparison, ScorerView
    from services.router.decision_records.record import DecisionRecord

EXIT_BAD_INPUT = 1


def main(arguments: Sequence[str]) -> int:
    """Runs the command and returns its exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if (options.postgres_dsn_file is None) == (not options.records):
        parser.error("give either --records or --postgres-dsn-file")
    try:
        overrides = read_overrides(options.policy, options.strategy)
        records = (
            read_files(options.records)
            if options.postgres_dsn_file is None
            else read_postgres(options.postgres_dsn_file.read_text(encoding="utf-8").strip())
        )
        report = _report(records, overrides, options.artifact, options.seed)
    except (BadOverrideError, DecisionsError) as error:
        return _fail(error.problems)
    except (ArtifactError, ProviderUnavailableError, OSError) as error:
        return _fail([str(error)])
    document = decision_document(report)
    if options.markdown is not None:
        options.markdown.write_text(markdown(document), encoding="utf-8")
    if options.html is not None:
        html = html_page(document, first_model_bars(report.summary))
        options.html.write_text(html, encoding="utf-8")
    as_json = json.dumps(dataclasses.asdict(report), indent=2)
    sys.stdout.write(f"{as_json}\n" if options.json else markdown(document))
    return 0


def _report(
    records: Sequence[DecisionRecord],
    overrides: Mapping[str, object],
    artifact: Path | None,
    seed: int,
) -> DecisionReport:
    scorer, usable = "as recorded", records
    views: Sequence[ScorerView | None] = [None] * len(records)
    if artifact is not None:
        usable = [record for record in records if record.query.text]
        if not usable:
            raise DecisionsError(["no record has the query's text, which --artifact needs"])
    policies = [policy_of(record.policy, overrides) for record in usable]
    if artifact is not None:
        rescorer = Rescorer(artifact)
        scorer, views = rescorer.version, rescorer.views(usable, policies)
    found = [compare(*item) for item in zip(usable, policies, views, strict=True)]
    comparisons: list[Comparison] = [comparison for comparison in found if comparison]
    if not comparisons:
        raise DecisionsError(["no record has a first layer"])
    settings = {
        "records": f"{len(records):,}, {_period(records)}",
        "compared": f"{len(comparisons):,}; left out: {len(records) - len(usable):,} without text, "
        f"{len(usable) - len(comparisons):,} without a first layer",
        "other policy": ", ".join(f"{k}={v}" for k, v in overrides.items()) or "as recorded",
        "other scorer": scorer,
        "seed": str(seed),
    }
    return DecisionReport(settings=settings, summary=summarize_decisions(comparisons, seed=seed))


def _period(records: Sequence[DecisionRecord]) -> str:
    first, last = (f"{record.time:%Y-%m-%d %H:%M}" for record in (records[0], records[-1]))
    return f"{first} to {last} UTC"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="routemoa replay",
        description="Shows what another policy, strategy or scorer would have chosen.",
    )
    add = parser.add_argument
    add(
        "--records",
        type=Path,
        nargs="+",
        action="extend",
        default=[],
        help="files of decision records, or directories",
    )
    add("--postgres-dsn-file", type=Path, help="file with the database's connection string")
    add(
        "--policy",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME=VALUE",
        help="fields of the policy that differ, by the contract's names: usd_per_right_answer=0.01",
    )
    add("--strategy", help=f"one of {', '.join(strategies())}")
    add("--artifact", type=Path, help="another scorer; needs records with the queries' texts")
    add("--seed", type=int, default=0, help="seed of the intervals")
    add("--markdown", type=Path, help="also write the report to this file")
    add("--html", type=Path, help="write a page with a picture to this file")
    add("--json", action="store_true", help="print one JSON object")
    return parser


def _fail(problems: Sequence[str]) -> int:
    sys.stderr.writelines(f"{problem}\n" for problem in problems)
    return EXIT_BAD_INPUT
