"""Converts decision records of the router, so that a scorer can learn from real traffic.

Equal queries become one record, weighted by their number; its scores and amounts are their means.
Decisions without the query's text, and those without an assessed answer, are left out and counted.
"""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING

from scorer.data.converters.conversion import converted
from scorer.data.converters.decision_line import BadDecisionError, Label, read_decision
from scorer.data.lines import NotAnObjectError, Problems, numbered_lines, parse_object

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from scorer.data.converters.decision_line import Call, Decision
    from scorer.data.records import Record

NO_TEXT = "decisions without the query's text (see records_keep_text)"
NO_SCORE = "decisions without an assessed answer"


def convert(
    paths: Sequence[Path], *, label: Label = Label.POSTERIOR, skipped: Counter[str]
) -> Iterator[Record]:
    """Yields the records of files, and of the finished files of directories.

    Args:
        paths: Files of JSON lines, plain or gzip, and directories that a router writes to.
        label: The value that counts as a model's score.
        skipped: Counts the decisions that are left out, by reason.

    Raises:
        ConversionError: At the end, if there was a problem or no record.
    """
    problems = Problems()
    return converted(_candidates(paths, label, skipped, problems), problems)


def _candidates(
    paths: Sequence[Path], label: Label, skipped: Counter[str], problems: Problems
) -> Iterator[tuple[str, dict[str, object]]]:
    groups: dict[tuple[str, str], list[tuple[str, Decision]]] = {}
    for where, decision in _decisions(paths, label, problems):
        if not decision.query.strip():
            skipped[NO_TEXT] += 1
        elif not decision.scores:
            skipped[NO_SCORE] += 1
        else:
            groups.setdefault((decision.task, decision.query), []).append((where, decision))
    for group in groups.values():
        where, first = group[0]
        yield where, _fields(first, [decision for _, decision in group])


def _decisions(
    paths: Sequence[Path], label: Label, problems: Problems
) -> Iterator[tuple[str, Decision]]:
    seen: dict[str, str] = {}
    for path in _files(paths, problems):
        for number, text in numbered_lines(path, problems):
            where = f"{path}: line {number}"
            try:
                decision = read_decision(parse_object(text), label)
            except NotAnObjectError as error:
                problems.add(f"{where}: {error}")
                continue
            except BadDecisionError as error:
                for problem in error.problems:
                    problems.add(f"{where}: {problem}")
                continue
            first = seen.setdefault(decision.id, where)
            if first == where:
                yield where, decision
            else:
                problems.add(f"{where}: decision {decision.id} is already on {first}")


def _files(paths: Sequence[Path], problems: Problems) -> Iterator[Path]:
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        files = [file for file in sorted(path.glob("*.jsonl.gz")) if not _is_feedback(file)]
        if not files:
            problems.add(f"{path}: has no *.jsonl.gz; the router finishes a file when it ends")
        yield from files


def _is_feedback(file: Path) -> bool:
    return file.name.startswith("feedback-")


def _fields(first: Decision, group: Sequence[Decision]) -> dict[str, object]:
    """Returns the fields of one record of all decisions on a query."""
    models = sorted({model_id for decision in group for model_id in decision.scores})

    def means(amount: Callable[[Call], float]) -> dict[str, float]:
        found = {
            model_id: [amount(d.calls[model_id]) for d in group if model_id in d.calls]
            for model_id in models
        }
        return {model_id: fmean(amounts) for model_id, amounts in found.items() if amounts}

    def counts(amount: Callable[[Call], int]) -> dict[str, int]:
        return {model_id: round(mean) for model_id, mean in means(amount).items()}

    return {
        "id": first.id,
        "task": first.task,
        "query": first.query,
        "scores": {
            model_id: fmean(d.scores[model_id] for d in group if model_id in d.scores)
            for model_id in models
        },
        "cost_usd": means(lambda call: call.cost_usd),
        "prompt_tokens": counts(lambda call: call.prompt_tokens),
        "completion_tokens": counts(lambda call: call.completion_tokens),
        "latency_s": means(lambda call: call.latency_s),
        "weight": len(group),
    }
