"""``learn-belief``: what the words of models are worth, from decisions and feedback."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scorer.commands import console, tables
from scorer.commands.learn import DsnFile, Records, read_traffic
from scorer.data.staging import staged_file
from scorer.export.benefit_gate import WorseError

if TYPE_CHECKING:
    from scorer.belief.parameters import BeliefParameters

NewFile = Annotated[Path, typer.Option("--output", help="A JSON file to write; must not exist.")]


def learn_belief(
    records: Records = None,
    *,
    output: NewFile,
    postgres_dsn_file: DsnFile = None,
    even_if_worse: Annotated[
        bool, typer.Option(help="Write the file too if the words make beliefs worse.")
    ] = False,
    as_json: console.AsJson = False,
) -> None:
    """Learn what the self-scores and grades of each model are worth, for the judge."""
    with console.friendly(as_json=as_json):
        from scorer.belief.parameters import save_parameters  # noqa: PLC0415 - quick help
        from scorer.learning.belief.learn_belief import learn_belief as learn  # noqa: PLC0415 - as above

        traffic = read_traffic(records or [], postgres_dsn_file)
        source = [*(records or []), *filter(None, [postgres_dsn_file])][0]
        found = learn(traffic, now=datetime.now(UTC), source=source)
        _require_gain(found, even_if_worse=even_if_worse)
        with staged_file(output) as path:
            parameters = save_parameters(path, found)
        console.show(tables.belief(parameters), dataclasses.asdict(parameters), as_json=as_json)


def _require_gain(found: BeliefParameters, *, even_if_worse: bool) -> None:
    """Warns of words that are not shown to help.

    Raises:
        WorseError: They make beliefs worse, and that was not allowed.
    """
    from scorer.learning.belief.held_out import sentence, verdict  # noqa: PLC0415 - quick help
    from scorer.measures.benefit import Verdict  # noqa: PLC0415 - as above

    gain = found.held_out
    if gain is None or verdict(gain) is Verdict.BETTER:
        return
    if verdict(gain) is Verdict.WORSE and not even_if_worse:
        raise WorseError(f"{sentence(gain)}. With --even-if-worse it is taken all the same")
    console.warn(sentence(gain))
