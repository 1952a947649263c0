"""Converts run folders of HELM.

A folder has ``run_spec.json``, ``scenario_state.json`` and ``per_instance_stats.json``, and so one
scenario and one model. The query is the instance's input, with its choices where the
model was asked to choose. Perturbed instances are left out; several trials are averaged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scorer.data.converters.conversion import converted
from scorer.data.converters.rows import Row, id_text, scaled
from scorer.data.documents import as_amount, as_list, as_object, as_text, read_document

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from scorer.data.converters.conversion import Conversion
    from scorer.data.converters.scores.scale import Scale
    from scorer.data.lines import Problems
    from scorer.data.records import Record

STATE = "scenario_state.json"
STATS = "per_instance_stats.json"
SPEC = "run_spec.json"
DEFAULT_METRICS = (
    *("exact_match", "quasi_exact_match", "final_number_exact_match", "math_equiv"),
    *("math_equiv_chain_of_thought", "chain_of_thought_correctness", "ifeval_strict_accuracy"),
    *("wildbench_score_rescaled", "omni_math_accuracy", "f1_score"),
)
"""The metrics that can be the score, the strictest first."""
_AMOUNTS = {
    "num_prompt_tokens": "prompt_tokens",
    "num_completion_tokens": "completion_tokens",
    "num_output_tokens": "completion_tokens",
    "inference_runtime": "latency_s",
}
"""Fields of a record by name of statistic."""
MAX_NAMES = 30
PERTURBED = "perturbed instances"


def convert(
    paths: Sequence[Path],
    conversion: Conversion,
    *,
    metric: str | None = None,
    scale: Scale | None = None,
) -> Iterator[Record]:
    """Yields the records of run folders, and of all below other folders.

    Args:
        paths: Folders.
        conversion: Gets the problems and the notes.
        metric: The statistic that is the score; by default the first of ``DEFAULT_METRICS``.
        scale: The range of the scores; by default it is found.

    Raises:
        ConversionError: At the end, if there was a problem or no record.
    """

    def candidates() -> Iterator[tuple[str, dict[str, object]]]:
        folders = list(_folders(paths, conversion.problems))
        rows = [
            row
            for folder in conversion.watch(folders, "Reading", len(folders))
            for row in _rows(folder, metric, conversion)
        ]
        yield from scaled(rows, scale, conversion)

    return converted(candidates(), conversion.problems)


def _folders(paths: Sequence[Path], problems: Problems) -> Iterator[Path]:
    for path in paths:
        folders = sorted(state.parent for state in path.rglob(STATE)) if path.is_dir() else []
        if not folders:
            problems.add(f"{path}: has no folder with a {STATE}")
        yield from folders


def _rows(folder: Path, metric: str | None, conversion: Conversion) -> Iterator[Row]:
    problems = conversion.problems
    known = len(problems)
    spec, state = (as_object(read_document(folder / name, problems)) for name in (SPEC, STATE))
    stats = as_list(read_document(folder / STATS, problems))
    if len(problems) > known:
        return
    adapter = as_object(spec.get("adapter_spec"))
    model = as_text(adapter.get("model")) or as_text(adapter.get("model_deployment"))
    results = [_result(as_object(each)) for each in stats if not _is_perturbed(each)]
    if len(results) < len(stats):
        conversion.notes.left_out[PERTURBED] += len(stats) - len(results)
    names = {name for _, values in results for name in values}
    score = next((name for name in ((metric,) if metric else DEFAULT_METRICS) if name in names), "")
    if not model or not score:
        asked = metric or f"of {', '.join(DEFAULT_METRICS)}"
        has = ", ".join(sorted(names)[:MAX_NAMES]) or "none"
        problems.add(
            f"{folder}: has no statistic {asked}; --metric names one of those it has ({has})"
            if model
            else f"{folder / SPEC}: names no model at adapter_spec.model"
        )
        return
    task = _task(as_text(spec.get("name")))
    conversion.notes.choose(f"{task}: score = {score}")
    queries = _queries(as_list(state.get("request_states")))
    for instance_id, values in results:
        if instance_id not in queries:
            problems.add(f"{folder}: {STATE} has no instance {instance_id!r} of {STATS}")
            continue
        yield Row(
            where=f"{folder}: instance {instance_id}",
            query=queries[instance_id],
            cells={model: values.get(score)},
            task=task,
            amounts={
                field: {model: values[name]} for name, field in _AMOUNTS.items() if values.get(name)
            },
        )


def _task(run: str) -> str:
    """Returns a run's scenario with its arguments, without its model."""
    scenario, _, arguments = run.partition(":")
    kept = [each for each in arguments.split(",") if each and not each.startswith("model")]
    return f"{scenario}:{','.join(kept)}" if kept else scenario


def _is_perturbed(item: object) -> bool:
    fields = as_object(item)
    return bool(fields.get("perturbation") or as_object(fields.get("instance")).get("perturbation"))


def _result(item: Mapping[str, object]) -> tuple[str, dict[str, float]]:
    """Returns an instance's id and the means of its statistics."""
    values: dict[str, float] = {}
    for stat in map(as_object, as_list(item.get("stats"))):
        name, mean = as_text(as_object(stat.get("name")).get("name")), as_amount(stat.get("mean"))
        if name and mean is not None:
            values[name] = mean
    return id_text(item.get("instance_id")), values


def _queries(states: Sequence[object]) -> dict[str, str]:
    """Returns the query of each instance that is not perturbed."""
    queries: dict[str, str] = {}
    for state in map(as_object, states):
        instance = as_object(state.get("instance"))
        if _is_perturbed(state):
            continue
        text = as_text(as_object(instance.get("input")).get("text"))
        choices = as_object(state.get("output_mapping"))
        lines = [text, *(f"{letter}. {choice}" for letter, choice in choices.items())]
        queries.setdefault(id_text(instance.get("id")), "\n".join(lines))
    return queries
