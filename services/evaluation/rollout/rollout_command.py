"""`routemoa rollout`: brings a new artifact to running scorers by steps, and back if it is worse."""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from scorer import ArtifactError, load_artifact
from scorer.export.benefit_gate import WorseError
from scorer.rollout import stages
from scorer.rollout.rollout import RolloutError, RolloutSettings, Stage
from scorer.rollout.rollout_files import RolloutFiles
from services.evaluation.decisions.decision_source import DecisionsError
from services.evaluation.report.document import console_table
from services.evaluation.rollout.observations import read_observations
from services.evaluation.rollout.rollout_tables import rollout_grid, rollout_json
from services.evaluation.rollout.verdict import Verdict, judge_rollout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scorer.rollout.rollout import Rollout
    from services.evaluation.rollout.verdict import Figures

DEFAULTS = RolloutSettings()
Link = Annotated[Path, typer.Option("--link", help="The link that the scorers were started with.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Records = Annotated[
    list[Path] | None,
    typer.Option(help="Directory of decision records and feedback, or a file; repeat for more."),
]
DsnFile = Annotated[
    Path | None,
    typer.Option("--postgres-dsn-file", help="File with the connection string of their database."),
]
EvenIfWorse = Annotated[
    bool, typer.Option(help="Also if training found it worse than always taking one model.")
]
FewerModels = Annotated[
    bool, typer.Option(help="Also if the candidate lacks models of the active artifact.")
]
UnlessRunning = Annotated[
    bool, typer.Option("--unless-running", help="Do nothing while another rollout is running.")
]

app = typer.Typer(
    help="Brings a new artifact to running scorers by steps, and back if it is worse.",
    rich_markup_mode=None,
)


@app.command()
def start(
    candidate: Annotated[Path, typer.Argument(help="The artifact to bring in.")],
    *,
    link: Link,
    share: Annotated[
        float, typer.Option(help="Share of the conversations that it answers.")
    ] = DEFAULTS.share,
    min_shadow_queries: Annotated[
        int, typer.Option(min=1, help="Least queries that it scores before it answers any.")
    ] = DEFAULTS.min_shadow_queries,
    min_feedback: Annotated[
        int, typer.Option(min=1, help="Least queries with feedback before it is promoted.")
    ] = DEFAULTS.min_feedback,
    max_feedback: Annotated[
        int, typer.Option(min=1, help="Queries with feedback after which it must be better.")
    ] = DEFAULTS.max_feedback,
    max_cost_increase: Annotated[
        float, typer.Option(min=0, help="Largest relative increase of the cost of an answer.")
    ] = DEFAULTS.max_cost_increase,
    max_latency_increase: Annotated[
        float, typer.Option(min=0, help="Largest relative increase of the latency of an answer.")
    ] = DEFAULTS.max_latency_increase,
    allow_fewer_models: FewerModels = False,
    even_if_worse: EvenIfWorse = False,
    unless_running: UnlessRunning = False,
    as_json: AsJson = False,
) -> None:
    """Start a rollout: scorers score every query with the candidate too."""
    settings = RolloutSettings(
        share=share,
        min_shadow_queries=min_shadow_queries,
        min_feedback=min_feedback,
        max_feedback=max_feedback,
        max_cost_increase=max_cost_increase,
        max_latency_increase=max_latency_increase,
    )
    files = RolloutFiles(link)
    with _friendly(), files.locked():
        running = files.read() if unless_running else None
        if running is not None and running.stage.is_running:
            _show(running, None, as_json=as_json)
            return
        rollout = stages.start(
            files,
            candidate,
            settings,
            allow_fewer_models=allow_fewer_models,
            even_if_worse=even_if_worse,
            warn=_warn,
        )
        _show(rollout, None, as_json=as_json)


@app.command()
def status(
    *,
    link: Link,
    records: Records = None,
    postgres_dsn_file: DsnFile = None,
    as_json: AsJson = False,
) -> None:
    """Show the rollout, and its evidence if the place of the records is given."""
    with _friendly():
        rollout = RolloutFiles(link).read()
        if rollout is None:
            _say_none(link)
            return
        figures = None
        if records or postgres_dsn_file:
            observations = read_observations(rollout, records or (), postgres_dsn_file)
            figures = judge_rollout(rollout, observations).figures
        _show(rollout, figures, as_json=as_json)


@app.command()
def step(
    *,
    link: Link,
    records: Records = None,
    postgres_dsn_file: DsnFile = None,
    as_json: AsJson = False,
) -> None:
    """Read the evidence and bring the rollout to its next stage, if that is due."""
    files = RolloutFiles(link)
    if not records and postgres_dsn_file is None:
        raise typer.BadParameter("give either --records or --postgres-dsn-file")
    with _friendly(), files.locked():
        rollout = files.read()
        if rollout is None:
            _say_none(link)
            return
        rollout = stages.finish(files, rollout)
        figures = None
        if rollout.stage.is_running:
            verdict = _verdict(files, rollout, records or [], postgres_dsn_file)
            figures = verdict.figures
            if verdict.stage is not rollout.stage:
                rollout = stages.advance(
                    files, rollout, verdict.stage, verdict.reason, figures.as_dict()
                )
            else:
                sys.stderr.write(f"{verdict.reason}\n")
        _show(rollout, figures, as_json=as_json)


@app.command()
def promote(*, link: Link, as_json: AsJson = False) -> None:
    """Make the candidate the active artifact now, whatever the evidence is."""
    _end(link, Stage.PROMOTED, as_json=as_json)


@app.command()
def stop(*, link: Link, as_json: AsJson = False) -> None:
    """End the rollout now; the active artifact answers everything again."""
    _end(link, Stage.STOPPED, as_json=as_json)


def _verdict(
    files: RolloutFiles, rollout: Rollout, records: list[Path], dsn_file: Path | None
) -> Verdict:
    active = load_artifact(files.link.resolve()).manifest.version
    if active != rollout.active_version:
        reason = f"the active artifact is {active} now"
        return Verdict(stage=Stage.ROLLED_BACK, reason=reason)
    return judge_rollout(rollout, read_observations(rollout, records, dsn_file))


def _end(link: Path, stage: Stage, *, as_json: bool) -> None:
    files = RolloutFiles(link)
    with _friendly(), files.locked():
        rollout = files.read()
        if rollout is not None:
            rollout = stages.finish(files, rollout)
        if rollout is None or not rollout.stage.is_running:
            raise stages.RolloutRefusedError([f"no rollout of {link} is running"])
        _show(stages.advance(files, rollout, stage, "by command", {}), None, as_json=as_json)


def _show(rollout: Rollout, figures: Figures | None, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(rollout_json(rollout, figures)) + "\n")
    else:
        Console().print(console_table(rollout_grid(rollout, figures)))


def _warn(text: str) -> None:
    sys.stderr.write(f"warning: {text}\n")


def _say_none(link: Path) -> None:
    sys.stderr.write(f"there is no rollout of {link}\n")


@contextlib.contextmanager
def _friendly() -> Iterator[None]:
    """Prints errors that an operator can mend, one problem a line, and exits with status 1."""
    try:
        yield
    except (DecisionsError, stages.RolloutRefusedError) as error:
        problems = list(error.problems)
    except (ArtifactError, RolloutError, WorseError, OSError) as error:
        problems = [str(error)]
    else:
        return
    sys.stderr.writelines(f"{problem}\n" for problem in problems)
    raise typer.Exit(1)
