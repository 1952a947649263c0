"""Converts logs of Inspect: .eval archives, and .json.

A log has one task and one model. The query is a sample's input, of chat messages the user's. Letters
count as Inspect counts them: C is 1, P is 0.5, I and N are 0. Epochs of a sample are averaged.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scorer.data.converters.conversion import converted
from scorer.data.converters.prompt_text import prompt_text
from scorer.data.converters.rows import Row, scaled
from scorer.data.converters.tools.inspect_archive import opened_archive
from scorer.data.documents import as_amount, as_list, as_object, as_text, files_below, read_document

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from scorer.data.converters.conversion import Conversion
    from scorer.data.converters.scores.scale import Scale
    from scorer.data.lines import Problems
    from scorer.data.records import Record

LETTERS = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0}
NO_SCORE = "samples without a score"
_ATTACHMENT = re.compile(r"attachment://([0-9a-f]+)")


def convert(
    paths: Sequence[Path],
    conversion: Conversion,
    *,
    metric: str | None = None,
    scale: Scale | None = None,
) -> Iterator[Record]:
    """Yields the records of logs, and of all .eval and .json files below folders.

    Args:
        paths: Files and folders.
        conversion: Gets the problems and the notes.
        metric: The scorer that is used, ``scorer/key`` where its values are objects; it may be absent
            if there is one only.
        scale: The range of the scores; by default it is found.

    Raises:
        ConversionError: At the end, if there was a problem or no record.
    """

    def candidates() -> Iterator[tuple[str, dict[str, object]]]:
        files = list(files_below(paths, ("*.eval", "*.json"), conversion.problems))
        rows = [
            row
            for path in conversion.watch(files, "Reading", len(files))
            for row in _rows(path, metric, conversion)
        ]
        yield from scaled(rows, scale, conversion)

    return converted(candidates(), conversion.problems)


def _rows(path: Path, metric: str | None, conversion: Conversion) -> Iterator[Row]:
    is_named = False
    for name, header, sample in _samples(path, conversion.problems):
        where = f"{path}: {name}"
        model, task = as_text(header.get("model")), as_text(header.get("task"))
        scores = _scores(sample)
        if not scores:
            conversion.notes.left_out[NO_SCORE] += 1
            continue
        wanted = metric or (next(iter(scores)) if len(scores) == 1 else "")
        if wanted not in scores:
            if not is_named:  # the others of the log are alike
                has = ", ".join(scores)
                conversion.problems.add(
                    f"{where}: has no score {wanted!r}; it has {has}"
                    if wanted
                    else f"{where}: has several scores: name one with --metric: {has}"
                )
            is_named = True
            continue
        value = scores[wanted]
        yield Row(
            where=where,
            query=_query(sample),
            cells={model: LETTERS.get(value, value) if isinstance(value, str) else value},
            task=task,
            amounts={name: {model: value} for name, value in _amounts(sample, model).items()},
        )


def _samples(
    path: Path, problems: Problems
) -> Iterator[tuple[str, Mapping[str, object], Mapping[str, object]]]:
    """Yields each sample with its name and what the log says of the run."""
    known = len(problems)
    if path.suffix == ".eval":
        with opened_archive(path, problems) as archive:
            run = archive.header()
            samples = ((name, archive.value(name)) for name in archive.samples())
            yield from _of_run(path, run, samples, problems, known)
        return
    log = as_object(read_document(path, problems))
    found = (as_object(sample) for sample in as_list(log.get("samples")))
    named = ((f"sample {sample.get('id')}", sample) for sample in found)
    yield from _of_run(path, log, named, problems, known)


def _of_run(
    path: Path,
    log: Mapping[str, object],
    samples: Iterable[tuple[str, Mapping[str, object]]],
    problems: Problems,
    known: int,
) -> Iterator[tuple[str, Mapping[str, object], Mapping[str, object]]]:
    run = as_object(log.get("eval"))
    if as_text(run.get("model")):
        yield from ((name, run, sample) for name, sample in samples)
    elif len(problems) == known:
        problems.add(f"{path}: is no log of Inspect: it names no model at eval.model")


def _scores(sample: Mapping[str, object]) -> dict[str, object]:
    """Returns the values by scorer; those of an object by scorer and key."""
    found: dict[str, object] = {}
    for name, score in as_object(sample.get("scores")).items():
        value = as_object(score).get("value")
        if isinstance(value, dict):
            found |= {f"{name}/{key}": inner for key, inner in value.items()}
        elif value is not None:
            found[name] = value
    return found


def _query(sample: Mapping[str, object]) -> str:
    """Returns the input; long texts in it are stored beside it."""
    attachments = as_object(sample.get("attachments"))
    text = prompt_text(sample.get("input"))
    return _ATTACHMENT.sub(lambda match: as_text(attachments.get(match[1])) or match[0], text)


def _amounts(sample: Mapping[str, object], model: str) -> dict[str, float]:
    usage = as_object(as_object(sample.get("model_usage")).get(model))
    found = {
        "cost_usd": as_amount(usage.get("total_cost")),
        "prompt_tokens": as_amount(usage.get("input_tokens")),
        "completion_tokens": as_amount(usage.get("output_tokens")),
        "latency_s": as_amount(as_object(sample.get("output")).get("time")),
    }
    return {name: value for name, value in found.items() if value}
