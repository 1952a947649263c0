"""`python -m services.replay`, which is `routemoa replay`."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from scorer import ArtifactError, ProviderUnavailableError
from services.replay.counterfactual import compare, strategies
from services.replay.policies import BadOverrideError, policy_of, read_overrides
from services.replay.report import Report, markdown, page
from services.replay.rescoring import Rescorer
from services.replay.source import RecordsError, read_files, read_postgres
from services.replay.summary import summarize

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from services.replay.counterfactual import Comparison, ScorerView
    from services.router.decision_records.record import DecisionRecord

EXIT_BAD_INPUT = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if (options.dsn_file is None) == (not options.records):
        parser.error("give either --records or --postgres-dsn-file")
    try:
        overrides = read_overrides(options.policy, options.strategy)
        records = (
            read_files(options.records)
            if options.dsn_file is None
            else read_postgres(options.dsn_file.read_text(encoding="utf-8").strip())
        )
        report = _report(records, overrides, options.artifact, options.seed)
    except (BadOverrideError, RecordsError) as error:
        return _fail(error.problems)
    except (ArtifactError, ProviderUnavailableError, OSError) as error:
        return _fail([str(error)])
    if options.markdown is not None:
        options.markdown.write_text(markdown(report), encoding="utf-8")
    if options.html is not None:
        options.html.write_text(page(report), encoding="utf-8")
    as_json = json.dumps(dataclasses.asdict(report), indent=2)
    sys.stdout.write(f"{as_json}\n" if options.json else markdown(report))
    return 0


def _report(
    records: Sequence[DecisionRecord],
    overrides: Mapping[str, object],
    artifact: Path | None,
    seed: int,
) -> Report:
    scorer, usable = "as recorded", records
    views: Sequence[ScorerView | None] = [None] * len(records)
    if artifact is not None:
        usable = [record for record in records if record.query.text]
        if not usable:
            raise RecordsError(["no record has the query's text, which --artifact needs"])
    policies = [policy_of(record.policy, overrides) for record in usable]
    if artifact is not None:
        rescorer = Rescorer(artifact)
        scorer, views = rescorer.version, rescorer.views(usable, policies)
    found = [compare(*item) for item in zip(usable, policies, views, strict=True)]
    comparisons: list[Comparison] = [comparison for comparison in found if comparison]
    if not comparisons:
        raise RecordsError(["no record has a first layer"])
    settings = {
        "records": f"{len(records):,}, {_period(records)}",
        "compared": f"{len(comparisons):,}; left out: {len(records) - len(usable):,} without text, "
        f"{len(usable) - len(comparisons):,} without a first layer",
        "other policy": ", ".join(f"{k}={v}" for k, v in overrides.items()) or "as recorded",
        "other scorer": scorer,
        "seed": str(seed),
    }
    return Report(settings=settings, summary=summarize(comparisons, seed=seed))


def _period(records: Sequence[DecisionRecord]) -> str:
    first, last = (f"{record.time:%Y-%m-%d %H:%M}" for record in (records[0], records[-1]))
    return f"{first} to {last} UTC"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="routemoa replay",
        description="What another policy, strategy or scorer would have chosen for recorded queries.",
    )
    parser.add_argument(
        "--records",
        type=Path,
        nargs="+",
        action="extend",
        default=[],
        help="files of records, or directories",
    )
    parser.add_argument(
        "--postgres-dsn-file",
        dest="dsn_file",
        type=Path,
        help="file with the connection string of the database that holds the records",
    )
    parser.add_argument(
        "--policy",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME=VALUE",
        help="settings that differ, by the names in docs/config.md, such as cost_weight=0.3",
    )
    parser.add_argument("--strategy", help=f"one of {', '.join(strategies())}")
    parser.add_argument(
        "--artifact", type=Path, help="another scorer; needs records with the queries' texts"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the intervals")
    parser.add_argument("--markdown", type=Path, help="write the report here too")
    parser.add_argument("--html", type=Path, help="write a page with a picture here")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def _fail(problems: Sequence[str]) -> int:
    sys.stderr.writelines(f"{problem}\n" for problem in problems)
    return EXIT_BAD_INPUT


if __name__ == "__main__":
    sys.exit(main())
