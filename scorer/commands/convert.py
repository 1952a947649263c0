"""``convert``: converts results or decisions to routing records."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scorer.commands import console, tables
from scorer.data.converters import decisions, eval_harness, routerbench_csv
from scorer.data.converters.conversion import Conversion
from scorer.data.converters.decision_line import Label
from scorer.data.converters.formats import Format, format_of
from scorer.data.converters.scores.scale import told_scale
from scorer.data.converters.tables import table
from scorer.data.converters.tables.columns import Told
from scorer.data.converters.tools import helm, inspect_logs, langfuse, openai_evals, promptfoo
from scorer.data.records import write_records
from scorer.progress import track

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from scorer.data.converters.notes import Notes
    from scorer.data.converters.scores.scale import Scale
    from scorer.data.records import Record

FEW_SCORES = 10
"""Models with fewer scores are named in a warning."""


_TABLE_OPTIONS = ("--query-field", "--model-field", "--score-field", "--models", "--scale")
OPTIONS: dict[Format, tuple[str, ...]] = {
    Format.CSV: _TABLE_OPTIONS,
    Format.JSON: _TABLE_OPTIONS,
    Format.LANGFUSE: ("--metric", "--query-field", "--scale"),
    Format.PROMPTFOO: ("--metric", "--query-field", "--scale"),
    Format.OPENAI_EVALS: ("--metric", "--scale"),
    Format.HELM: ("--metric", "--scale"),
    Format.INSPECT: ("--metric", "--scale"),
    Format.EVAL_HARNESS: ("--metric", "--filter", "--query-field"),
    Format.ROUTERBENCH_CSV: (),
    Format.DECISIONS: ("--label",),
}
"""The options that each format reads."""

SourcePaths = Annotated[
    list[Path], typer.Argument(metavar="SOURCE...", help="Files, or folders of them.")
]
FormatName = Annotated[
    Format | None, typer.Option("--from", help="Format of the sources; by default it is found.")
]
RecordsOutput = Annotated[
    Path, typer.Option(help="File to write, .jsonl or .jsonl.gz; must not exist.")
]
Metric = Annotated[str | None, typer.Option(help="Name of the score, where a tool writes several.")]
Filter = Annotated[str | None, typer.Option("--filter", help="Harness: one of a task's filters.")]
QueryField = Annotated[
    str | None,
    typer.Option(help="Column, variable or field that is the query; by default it is found."),
]
ModelField = Annotated[
    str | None, typer.Option(help="Tables: column of the model, one row per query and model.")
]
ScoreField = Annotated[str | None, typer.Option(help="Tables: column of that model's score.")]
ModelColumns = Annotated[
    str | None, typer.Option("--models", help="Tables: columns of the models, with commas between.")
]
ScaleText = Annotated[
    str | None,
    typer.Option(help="Range of the scores, worst first: 1..5, or bad=0,fair=0.5,good=1."),
]
LabelName = Annotated[
    Label | None,
    typer.Option(help="Decisions: value to use as score; by default the posterior."),
]


@dataclass(slots=True)
class _Tally:
    """Counts records while they are written."""

    records: int = 0
    costs: int = 0
    tasks: set[str] = field(default_factory=set)
    scores: dict[str, int] = field(default_factory=dict)
    """Number of scores by model."""
    values: dict[str, set[float]] = field(default_factory=dict)
    """One or two different scores of each model."""

    def counted(self, records: Iterable[Record]) -> Iterator[Record]:
        """Yields the records."""
        for record in records:
            self.records += 1
            self.costs += len(record.costs_usd)
            self.tasks.add(record.task)
            for model_id, score in record.scores.items():
                self.scores[model_id] = self.scores.get(model_id, 0) + 1
                values = self.values.setdefault(model_id, set())
                if len(values) < 2:
                    values.add(score)
            yield record

    def facts(self) -> dict[str, int]:
        """Returns the counts."""
        return {
            "records": self.records,
            "tasks": len(self.tasks),
            "models": len(self.scores),
            "scores": sum(self.scores.values()),
            "costs": self.costs,
        }

    def warn(self) -> None:
        """Prints warnings of models that little can be learned of."""
        constant = sorted(model for model, values in self.values.items() if len(values) == 1)
        console.warn_of_models(constant, "one and the same score everywhere")
        few = sorted(model for model, number in self.scores.items() if number < FEW_SCORES)
        if self.records >= FEW_SCORES:
            console.warn_of_models(few, f"fewer than {FEW_SCORES} scores")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Choices:
    """The options of the command line; None where one is not given."""

    metric: str | None
    filter_name: str | None
    query_field: str | None
    model_field: str | None
    score_field: str | None
    models: str | None
    scale: str | None
    label: Label | None

    def check(self, source: Format) -> None:
        """Raises ``typer.BadParameter`` if an option is given that the format does not read."""
        given = {
            "--metric": self.metric,
            "--filter": self.filter_name,
            "--query-field": self.query_field,
            "--model-field": self.model_field,
            "--score-field": self.score_field,
            "--models": self.models,
            "--scale": self.scale,
            "--label": self.label,
        }
        for option, value in given.items():
            if value is not None and option not in OPTIONS[source]:
                read = ", ".join(OPTIONS[source]) or "no option"
                raise typer.BadParameter(f"{option} is not for {source}, which reads {read}")

    def scale_told(self) -> Scale | None:
        """Returns the scale; raises ``typer.BadParameter`` if it cannot be read."""
        try:
            return told_scale(self.scale) if self.scale is not None else None
        except ValueError:
            message = f"--scale {self.scale}: must be such as 1..5 or bad=0,fair=0.5,good=1"
            raise typer.BadParameter(message) from None

    def columns_told(self) -> Told:
        """Returns the columns."""
        names = [name.strip() for name in (self.models or "").split(",")]
        return Told(
            query=self.query_field or "",
            model=self.model_field or "",
            score=self.score_field or "",
            models=tuple(name for name in names if name),
        )


def convert(
    sources: SourcePaths,
    *,
    output: RecordsOutput,
    source: FormatName = None,
    query_field: QueryField = None,
    model_field: ModelField = None,
    score_field: ScoreField = None,
    models: ModelColumns = None,
    scale: ScaleText = None,
    metric: Metric = None,
    filter_name: Filter = None,
    label: LabelName = None,
    as_json: console.AsJson = False,
) -> None:
    """Convert results or decisions to routing records; writes nothing if any line is bad."""
    choices = _Choices(
        metric=metric,
        filter_name=filter_name,
        query_field=query_field,
        model_field=model_field,
        score_field=score_field,
        models=models,
        scale=scale,
        label=label,
    )
    if source:
        choices.check(source)
    conversion = Conversion(watch=track)
    tally = _Tally()
    with console.friendly():
        if source is None:
            source = format_of(sources)
            console.note(f"format: {source}; --from tells another")
            choices.check(source)
        found = _records(source, sources, choices, conversion)
        try:
            write_records(output, tally.counted(found))
        finally:
            _show_notes(conversion.notes)
        tally.warn()
        facts = tally.facts()
        console.show(tables.counts(facts), facts, as_json=as_json)


def _records(
    source: Format, paths: Sequence[Path], choices: _Choices, conversion: Conversion
) -> Iterator[Record]:
    scale, metric, query_field = choices.scale_told(), choices.metric, choices.query_field
    found: Iterator[Record]
    match source:
        case Format.CSV | Format.JSON:
            told, as_json = choices.columns_told(), source is Format.JSON
            found = table.convert(paths, conversion, as_json=as_json, told=told, scale=scale)
        case Format.LANGFUSE | Format.PROMPTFOO:
            convert_tool = langfuse.convert if source is Format.LANGFUSE else promptfoo.convert
            found = convert_tool(
                paths, conversion, metric=metric, query_field=query_field, scale=scale
            )
        case Format.OPENAI_EVALS:
            found = openai_evals.convert(paths, conversion, metric=metric, scale=scale)
        case Format.HELM:
            found = helm.convert(paths, conversion, metric=metric, scale=scale)
        case Format.INSPECT:
            found = inspect_logs.convert(paths, conversion, metric=metric, scale=scale)
        case Format.EVAL_HARNESS:
            found = eval_harness.convert(
                paths, metric=metric, filter_name=choices.filter_name, query_field=query_field
            )
        case Format.ROUTERBENCH_CSV:
            found = routerbench_csv.convert(paths)
        case Format.DECISIONS:
            label = choices.label or Label.POSTERIOR
            found = decisions.convert(paths, label=label, skipped=conversion.notes.left_out)
    return found


def _show_notes(notes: Notes) -> None:
    """Prints a converter's choices, and warnings of what it left out, merged or renamed."""
    for choice in notes.choices:
        console.note(choice)
    for reason, count in sorted(notes.left_out.items()):
        console.warn(f"left out {count} {reason}")
    if notes.repeated:
        console.note(f"{notes.repeated} scores came again for the same query: each has their mean")
    contradictory = [f"{model} ({count})" for model, count in notes.contradictions.items()]
    console.warn_of_models(sorted(contradictory), "scores of the same query that differ, by model")
    if notes.replaced_ids:
        console.warn(f"{notes.replaced_ids} ids stood for several queries: made from the text")
