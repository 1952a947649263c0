"""``convert``: what people have -> a file of routing records."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scorer import tables
from scorer.commands import console
from scorer.data.checks import one_class_models
from scorer.data.converters import eval_harness, routerbench_csv
from scorer.data.records import model_ids_of, write_records

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from scorer.data.records import Record


class Source(enum.StrEnum):
    """What can be converted."""

    ROUTERBENCH_CSV = "routerbench-csv"
    EVAL_HARNESS = "eval-harness"


SourcePaths = Annotated[
    list[Path], typer.Argument(metavar="SOURCE...", help="Files, or folders of sample logs.")
]
SourceName = Annotated[Source, typer.Option("--from", help="What the sources are.")]
RecordsOutput = Annotated[
    Path, typer.Option(help="File to write, .jsonl or .jsonl.gz; must not exist.")
]
Metric = Annotated[
    str | None, typer.Option(help="Harness: the score; by default exact_match or acc.")
]
Filter = Annotated[str | None, typer.Option("--filter", help="Harness: one of a task's filters.")]
QueryField = Annotated[
    str | None, typer.Option(help="Harness: the document's field to route; else the prompt sent.")
]


def convert(
    sources: SourcePaths,
    *,
    source: SourceName,
    output: RecordsOutput,
    metric: Metric = None,
    filter_name: Filter = None,
    query_field: QueryField = None,
    as_json: console.AsJson = False,
) -> None:
    """Write benchmark results as routing records; nothing is written if any line is bad."""
    choices = {"metric": metric, "filter_name": filter_name, "query_field": query_field}
    if source is Source.ROUTERBENCH_CSV and any(choices.values()):
        raise typer.BadParameter("--metric, --filter and --query-field are for eval-harness only")
    with console.friendly():
        found: Iterator[Record] = (
            routerbench_csv.convert(sources)
            if source is Source.ROUTERBENCH_CSV
            else eval_harness.convert(sources, **choices)
        )
        records = list(found)
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
