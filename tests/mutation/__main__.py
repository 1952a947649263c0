"""`python -m tests.mutation`: draws mutants of the core by a seed, and fails if too many survive.

An own tool, since mutmut leaves what is outside functions and knows no seed, and cosmic-ray changes the
checkout itself and runs one command for all modules.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from tests.mutation.core import CORE, Module
from tests.mutation.equivalents import EQUIVALENTS
from tests.mutation.mutants import Mutant, mutants_of
from tests.mutation.scratch import ROOT, Scratch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WORKERS = 2
Work = tuple[Module, list[Mutant]]


def drawn(modules: Sequence[Module], count: int, seed: int) -> list[Work]:
    """Returns `count` of the modules' mutants by module, without the equivalent ones."""
    known = {(each.module, each.before, each.after) for each in EQUIVALENTS}
    mutants = [
        mutant
        for module in modules
        for mutant in mutants_of(module.path, (ROOT / module.path).read_text(), module.functions)
        if (mutant.module, mutant.before, mutant.after) not in known
    ]
    chosen = random.Random(seed).sample(mutants, min(count, len(mutants)))
    by_module: dict[str, list[Mutant]] = defaultdict(list)
    for mutant in sorted(chosen, key=lambda each: (each.line, each.after)):
        by_module[mutant.module].append(mutant)
    return [(module, by_module[module.path]) for module in modules if by_module[module.path]]


def survivors(work: Sequence[Work], advance: Callable[[], None]) -> list[Mutant]:
    """Returns the mutants that no test notices."""
    waiting: SimpleQueue[Work] = SimpleQueue()
    for item in sorted(work, key=lambda item: len(item[1]), reverse=True):
        waiting.put(item)
    found: list[Mutant] = []

    def run_waiting(scratch: Scratch) -> None:
        while not waiting.empty():
            module, mutants = waiting.get()
            timeout_s = scratch.baseline(module)
            for mutant in mutants:
                if not scratch.kills(module, mutant, timeout_s):
                    found.append(mutant)
                advance()

    with ExitStack() as stack, ThreadPoolExecutor(WORKERS) as threads:
        folders = [stack.enter_context(tempfile.TemporaryDirectory()) for _ in range(WORKERS)]
        scratches = [stack.enter_context(Scratch(Path(folder))) for folder in folders]
        for _ in threads.map(run_waiting, scratches):
            pass
    return found


def report(work: Sequence[Work], survived: Sequence[Mutant]) -> str:
    """Returns the table of modules, and each survivor with its change."""
    counts = Counter(mutant.module for mutant in survived)
    lines = [f"{'module':<44}{'mutants':>8}{'killed':>8}\n"]
    for module, mutants in work:
        killed = len(mutants) - counts[module.path]
        lines.append(f"{module.path:<44}{len(mutants):>8}{killed:>8}\n")
    for mutant in sorted(survived, key=lambda each: (each.module, each.line, each.after)):
        lines.append(f"survived: {mutant.module}:{mutant.line}\n")
        lines.append(f"  - {mutant.before}\n  + {mutant.after}\n")
    return "".join(lines)


def main(options: argparse.Namespace) -> int:
    """Runs the mutants and returns the exit status."""
    modules = [each for each in CORE if any(part in each.path for part in options.modules or [""])]
    work = drawn(modules, options.mutants, options.seed)
    total = sum(len(mutants) for _, mutants in work)
    console = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("mutants", total=total)
        survived = survivors(work, lambda: progress.advance(bar))
    share = 1 - len(survived) / total
    sys.stdout.write(report(work, survived))
    sys.stdout.write(f"killed {share:.1%} of {total} mutants; the floor is {options.floor:.0%}\n")
    return 0 if share >= options.floor else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutants", type=int, default=200, help="how many to draw")
    parser.add_argument("--seed", type=int, default=1, help="draws other mutants")
    parser.add_argument("--floor", type=float, default=0.95, help="share that must be killed")
    parser.add_argument("modules", nargs="*", help="parts of paths: only modules with one of them")
    sys.exit(main(parser.parse_args()))
