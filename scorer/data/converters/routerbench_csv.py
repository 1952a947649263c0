"""Converts CSV files in the form of RouterBench: one row per question, several columns per model.

Columns: ``sample_id``, ``prompt``, ``eval_name``, and for each model ``<model>`` (its score) with
``<model>|total_cost`` (dollars) or ``<model>|model_response`` or both; others are ignored. An empty
score is no label, and the cost beside it is left out. A prompt that is a Python list of texts, as in
RouterBench, becomes those texts. RouterBench's pickles are not read, since a pickle can run code.
"""

from __future__ import annotations

import ast
import csv
import io
from typing import TYPE_CHECKING

from scorer.data.converters.conversion import converted
from scorer.data.lines import UNREADABLE, Problems, open_binary

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from scorer.data.records import Record

FIXED_COLUMNS = ("sample_id", "prompt", "eval_name")
COST = "|total_cost"
RESPONSE = "|model_response"
MAX_CELL_CHARACTERS = 2**31 - 1
"""The default limit of the csv module, 131,072, is too small for prompts."""


def convert(paths: Sequence[Path]) -> Iterator[Record]:
    """Yields the records of CSV files, plain or gzip.

    Raises:
        ConversionError: At the end, if there was a problem.
    """
    problems = Problems()
    candidates = (found for path in paths for found in _rows(path, problems))
    return converted(candidates, problems)


def _rows(path: Path, problems: Problems) -> Iterator[tuple[str, dict[str, object]]]:
    if path.suffix in {".pkl", ".pickle"}:
        problems.add(f"{path}: a pickle can run code when it is read: save it as CSV first")
        return
    csv.field_size_limit(MAX_CELL_CHARACTERS)
    line = 0
    try:
        with io.TextIOWrapper(open_binary(path), encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = next(reader, [])
            line = reader.line_num
            models = _models(header, path, problems)
            for cells in reader if models else ():
                # A quoted cell can hold line breaks, so a row starts after the end of the previous one.
                where, line = f"{path}: line {line + 1}", reader.line_num
                if len(cells) == len(header):
                    row = dict(zip(header, cells, strict=True))
                    yield where, _fields(row, models)
                elif cells:
                    problems.add(f"{where}: has {len(cells)} cells, the header has {len(header)}")
    except (csv.Error, UnicodeDecodeError, *UNREADABLE) as error:
        problems.add(f"{path}: cannot be read after line {line}: {error}")


def _models(header: list[str], path: Path, problems: Problems) -> list[str]:
    """Returns the models' columns; none if the header cannot be used."""
    models = [name for name in header if f"{name}{COST}" in header or f"{name}{RESPONSE}" in header]
    found = [f"has no column {name}" for name in FIXED_COLUMNS if name not in header]
    found += [
        f"has column {name!r} twice" for name in sorted(set(header)) if header.count(name) > 1
    ]
    for column in header:
        owner = column.removesuffix(COST).removesuffix(RESPONSE)
        if owner not in header:
            found.append(f"has no column {owner!r} beside {column!r}")
    if not models:
        found.append(f"has no model: a column beside one that ends in {COST} or {RESPONSE}")
    for problem in found:
        problems.add(f"{path}: line 1: {problem}")
    return [] if found else models


def _fields(row: dict[str, str], models: Sequence[str]) -> dict[str, object]:
    def number(column: str) -> float | str:
        try:
            return float(row[column])
        except ValueError:
            return row[column]  # the validation of the record reports it

    scored = [model for model in models if row[model].strip()]
    costed = [model for model in scored if row.get(f"{model}{COST}", "").strip()]
    return {
        "id": row["sample_id"],
        "task": row["eval_name"],
        "query": _prompt(row["prompt"]),
        "scores": {model: number(model) for model in scored},
        "cost_usd": {model: number(f"{model}{COST}") for model in costed},
    }


def _prompt(cell: str) -> str:
    if not cell.startswith("["):
        return cell
    try:
        texts = ast.literal_eval(cell)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return cell
    if isinstance(texts, list) and all(isinstance(text, str) for text in texts):
        return "\n\n".join(texts)
    return cell
