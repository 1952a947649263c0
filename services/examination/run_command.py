"""`routemoa examine run`: asks the models of a pool until enough is known of each."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from services.examination.asking.call import open_caller
from services.examination.asking.estimate import Estimate, estimate_cost
from services.examination.asking.examiner import Plan, examine
from services.examination.asking.folder import (
    FolderError,
    open_answers,
    prepare,
    read_examination,
)
from services.examination.asking.stock import TooManyKindsError
from services.examination.questions.kinds import KINDS
from services.examination.questions.own_questions import OwnQuestionsError
from services.examination.questions.vocabulary import LANGUAGES
from services.router.pool.pool import load_pool
from services.rpc.file_problems import FileProblemsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.examination.asking.answer import Entry
    from services.examination.asking.folder import Examination
    from services.examination.asking.sheet import Sheet
    from services.examination.asking.stock import Stock
    from services.router.pool.pool import Pool

EXIT_STOPPED = 1
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130


def main(arguments: Sequence[str]) -> int:
    """Examines a pool; returns the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.only_own and not options.file:
        parser.error("--only-own needs --file")
    console = Console(stderr=True, soft_wrap=True)
    kinds = options.kind or ([] if options.only_own else list(KINDS))
    try:
        pool = load_pool(options.pool)
        prepare(
            options.output,
            seed=options.seed,
            kinds=kinds,
            languages=options.language or LANGUAGES[:1],
            own=options.file,
        )
        examination = read_examination(options.output)
        stock = examination.stock()
        estimates = [estimate_cost(model, stock, options.questions) for model in pool.models]
        console.print(_cost_table(estimates))
        if not _agreed(options, console):
            return EXIT_STOPPED
        return asyncio.run(_run(pool, stock, estimates, options, console))
    except (FileProblemsError, FolderError, OwnQuestionsError, TooManyKindsError, OSError) as error:
        console.print(str(error), markup=False, highlight=False)
        return EXIT_BAD_INPUT
    except KeyboardInterrupt:
        console.print("Stopped. The same command goes on where it stopped.")
        return EXIT_INTERRUPTED


async def _run(
    pool: Pool,
    stock: Stock,
    estimates: Sequence[Estimate],
    options: argparse.Namespace,
    console: Console,
) -> int:
    plan = Plan(
        accuracy=options.accuracy,
        max_questions=options.questions,
        max_usd=options.max_usd,
        max_minutes=options.max_minutes,
        parallel=options.parallel,
    )
    with open_answers(options.output) as file, _progress(console) as progress:
        examination = read_examination(options.output)
        bar = _Bar(progress, examination, most=len(pool.models) * options.questions)
        try:
            async with open_caller(pool, timeout_s=options.timeout_s) as caller:
                await examine(
                    pool,
                    examination,
                    stock,
                    plan,
                    estimates,
                    caller=caller,
                    file=file,
                    on_entry=bar.show,
                )
        except* OSError as errors:  # as of a full disk; no model's failure comes here
            problem = str(errors.exceptions[0])
        else:
            problem = ""
    if problem:
        raise FolderError(f"{options.output} cannot be written: {problem}")
    done = read_examination(options.output)
    for model_id, why in done.given_up.items():
        console.print(f"{model_id} was given up: {why}", markup=False, highlight=False)
    if not done.answers:
        console.print("No model has answered any question.")
        return EXIT_STOPPED
    console.print(
        f"{len(done.answers):,} answers, {done.spent_usd:.4f} dollars. Next: "
        f"routemoa examine report {options.output}",
        markup=False,
        highlight=False,
    )
    return 0


class _Bar:
    """The progress bar; its end is the most questions, which few examinations need."""

    def __init__(self, progress: Progress, examination: Examination, most: int) -> None:
        self._progress = progress
        self._spent_usd = examination.spent_usd
        self._task = progress.add_task("", total=most, completed=len(examination.answers))

    def show(self, entry: Entry, sheet: Sheet) -> None:
        """Shows an answer or a failure."""
        self._spent_usd += getattr(entry, "cost_usd", 0.0)
        text = (
            f"{entry.model}: {sheet.count_of(entry.model)} answers; {self._spent_usd:.4f} dollars"
        )
        self._progress.update(self._task, description=text, advance=int(hasattr(entry, "score")))


def _progress(console: Console) -> Progress:
    return Progress(
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False),
        console=console,
        disable=not console.is_terminal,
    )


def _cost_table(estimates: Sequence[Estimate]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("model", "questions at most", "dollars expected", "dollars at most", "left out"):
        table.add_column(name, justify="left" if name == "model" else "right")
    for each in estimates:
        table.add_row(
            each.model_id,
            f"{each.questions}",
            f"{each.expected_usd:.4f}",
            f"{each.most_usd:.4f}",
            f"{each.unfit.mean():.0%}",
        )
    table.add_row(
        "all",
        f"{sum(each.questions for each in estimates)}",
        f"{sum(each.expected_usd for each in estimates):.4f}",
        f"{sum(each.most_usd for each in estimates):.4f}",
    )
    return table


def _agreed(options: argparse.Namespace, console: Console) -> bool:
    """Returns whether the cost was agreed to: by an option, or by a person at the terminal."""
    if options.yes or options.max_usd is not None:
        return True
    if not sys.stdin.isatty():
        console.print("Nothing was asked. Agree to the cost by --yes or a limit by --max-usd.")
        return False
    return console.input("Go on? [y/N] ").strip().casefold() in {"y", "yes"}


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        message = "has to be above 0"
        raise argparse.ArgumentTypeError(message)
    return value


def _count(text: str) -> int:
    count = int(text)
    if not 1 <= count <= 10_000:
        message = "has to be 1 to 10000"
        raise argparse.ArgumentTypeError(message)
    return count


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("routemoa examine run", description=__doc__)
    add = parser.add_argument
    add("--pool", type=Path, required=True, help="the pool file")
    add("--output", type=Path, default=Path("examination"), help="folder; default: %(default)s")
    add("--file", type=Path, help="your own questions, beside the generated ones")
    add("--only-own", action="store_true", help="ask no generated questions but those of --kind")
    add("--kind", action="append", choices=list(KINDS), help="generated kinds; default: all")
    add("--language", action="append", choices=LANGUAGES, help="default: en")
    add("--seed", type=int, default=0, help="decides the generated questions; default: 0")
    add("--accuracy", type=_positive, default=0.1, help="half of a 95 %% interval; default: 0.1")
    add("--questions", type=_count, default=200, help="at most, per model; default: 200")
    add("--max-usd", type=_positive, help="dollars at most, those of earlier runs included")
    add("--max-minutes", type=_positive, default=60.0, help="default: 60")
    add("--parallel", type=_count, default=4, help="questions at a time, per model; default: 4")
    add("--timeout-s", type=_positive, default=120.0, help="time for each answer; default: 120")
    add("--yes", action="store_true", help="agree to the cost without being asked")
    return parser
