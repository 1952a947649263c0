"""``convert``: converts results or decisions to routing records."""

from __future__ import annotations

import enum
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scorer.commands import console, tables
from scorer.data.converters import decisions, eval_harness, routerbench_csv
from scorer.data.converters.decision_line import Label
from scorer.data.records import model_ids_of, one_class_models, write_records

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from scorer.data.records import Record


class Source(enum.StrEnum):
    """The formats that can be converted."""

    ROUTERBENCH_CSV = "routerbench-csv"
    EVAL_HARNESS = "eval-harness"
    DECISIONS = "decisions"


SourcePaths = Annotated[
    list[Path], typer.Argument(metavar="SOURCE...", help="Files, or folders of them.")
]
SourceName = Annotated[Source, typer.Option("--from", help="Format of the sources.")]
RecordsOutput = Annotated[
    Path, typer.Option(help="File to write, .jsonl or .jsonl.gz; must not exist.")
]
Metric = Annotated[
    str | None, typer.Option(help="Harness: metric to use as score; by default exact_match or acc.")
]
Filter = Annotated[str | None, typer.Option("--filter", help="Harness: one of a task's filters.")]
QueryField = Annotated[
    str | None,
    typer.Option(help="Harness: field of the document to use as query; by default the prompt."),
]
LabelName = Annotated[
    Label | None,
    typer.Option(help="Decisions: value to use as score; by default the posterior."),
]


def convert(
    sources: SourcePaths,
    *,
    source: SourceName,
    output: RecordsOutput,
    metric: Metric = None,
    filter_name: Filter = None,
    query_field: QueryField = None,
    label: LabelName = None,
    as_json: console.AsJson = False,
) -> None:
    """Convert results or decisions to routing records; writes nothing if any line is bad."""
    choices = {"metric": metric, "filter_name": filter_name, "query_field": query_field}
    if source is not Source.EVAL_HARNESS and any(choices.values()):
        raise typer.BadParameter("--metric, --filter and --query-field are for eval-harness only")
    if source is not Source.DECISIONS and label is not None:
        raise typer.BadParameter("--label is for decisions only")
    skipped: Counter[str] = Counter()
    with console.friendly():
        found: Iterator[Record]
        match source:
            case Source.ROUTERBENCH_CSV:
                found = routerbench_csv.convert(sources)
            case Source.EVAL_HARNESS:
                found = eval_harness.convert(sources, **choices)
            case Source.DECISIONS:
                found = decisions.convert(sources, label=label or Label.POSTERIOR, skipped=skipped)
        try:
            records = list(found)
        finally:
            for reason, count in sorted(skipped.items()):
                console.warn(f"left out {count} decisions {reason}")
        write_records(output, records)
        console.warn_of_models(one_class_models(records), "one and the same score everywhere")
        facts = _facts_of(records)
        console.show(tables.counts(facts), facts, as_json=as_json)


def _facts_of(records: Sequence[Record]) -> dict[str, int]:
    return {
        "records": len(records),
        "tasks": len({record.task for record in records}),
        "models": len(model_ids_of(records)),
        "scores": sum(len(record.scores) for record in records),
        "costs": sum(len(record.costs_usd) for record in records),
    }
