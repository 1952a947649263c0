"""The formats that can be converted, and which of them a file has by what it holds.

``files and folders -> Format``
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from scorer.data.converters.conversion import ConversionError
from scorer.data.converters.notes import Notes
from scorer.data.converters.routerbench_csv import COST, RESPONSE
from scorer.data.converters.tables.columns import role_of
from scorer.data.converters.tables.delimited import CSV_ENDINGS, CSV_PATTERNS, open_delimited
from scorer.data.converters.tables.json_rows import JSON_ENDINGS, JSON_PATTERNS, open_json
from scorer.data.documents import as_list, as_object, as_text, files_below, read_document
from scorer.data.lines import UNREADABLE, NotAnObjectError, Problems, open_binary, parse_object
from scorer.data.text_file import open_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path


class Format(enum.StrEnum):
    """The formats that can be converted."""

    CSV = "csv"
    JSON = "json"
    LANGFUSE = "langfuse"
    PROMPTFOO = "promptfoo"
    OPENAI_EVALS = "openai-evals"
    HELM = "helm"
    INSPECT = "inspect"
    EVAL_HARNESS = "eval-harness"
    ROUTERBENCH_CSV = "routerbench-csv"
    DECISIONS = "decisions"


_OWN_FILES = (
    ("scenario_state.json", Format.HELM),
    ("samples_*.jsonl", Format.EVAL_HARNESS),
    ("*.eval", Format.INSPECT),
    ("decisions-*.jsonl.gz", Format.DECISIONS),
)
"""Files of a folder that tell its format by their names; the other files there belong to them."""
_BINARY = (
    (b"PK\x03\x04", "a workbook or an archive"),
    (b"\xd0\xcf\x11\xe0", "a workbook"),
    (b"PAR1", "a Parquet file"),
    (b"\x80\x04", "a pickle, and reading one can run code"),
    (b"\x80\x05", "a pickle, and reading one can run code"),
    (b"SQLite format 3", "a database"),
)
"""The first bytes of files that are no text."""
_NAME_IT = "name it with --from"


def format_of(paths: Sequence[Path]) -> Format:
    """Returns the one format that all files and folders have.

    Raises:
        ConversionError: A file cannot be read, or could be of two formats, or the files are of several.
    """
    problems = Problems()
    found: dict[Format, Path] = {}
    for path in paths:
        for each, file in (_in_folder if path.is_dir() else _of_file)(path, problems).items():
            found.setdefault(each, file)
    if len(found) > 1:
        several = ", ".join(f"{each} ({file})" for each, file in found.items())
        problems.add(f"the files are of several formats: {several}: convert each by itself")
    if problems:
        raise ConversionError(problems)
    return next(iter(found))


def _in_folder(folder: Path, problems: Problems) -> dict[Format, Path]:
    """Returns the formats of the files below a folder, with a file of each."""
    own = [(each, next(folder.rglob(pattern), None)) for pattern, each in _OWN_FILES]
    found = {each: file for each, file in own if file is not None}
    if found:
        return found
    for file in files_below((folder,), (*CSV_PATTERNS, *JSON_PATTERNS), problems):
        for each in _of_file(file, problems):
            found.setdefault(each, file)
    return found


def _of_file(path: Path, problems: Problems) -> dict[Format, Path]:
    """Returns the format of a file, or nothing after adding a problem."""
    name = path.name.removesuffix(".gz").lower()
    if name.endswith(".eval"):
        return {Format.INSPECT: path}
    try:
        with open_binary(path) as file:
            start = file.read(16)
    except UNREADABLE as error:
        problems.add(f"{path}: cannot be read: {error}")
        return {}
    binary = next((what for mark, what in _BINARY if start.startswith(mark)), "")
    if binary:
        problems.add(f"{path}: is {binary}: save it as CSV first")
        return {}
    is_json = name.endswith(JSON_ENDINGS) or (
        not name.endswith(CSV_ENDINGS) and start.lstrip()[:1] in {b"{", b"["}
    )
    known = len(problems)
    fields = _first_object(path, problems) if is_json else _header(path, problems)
    if len(problems) > known:
        return {}
    candidates = _of_document(fields) if is_json else _of_columns(fields)
    if len(candidates) > 1:
        could = " or ".join(candidates)
        problems.add(f"{path}: could be {could}: {_NAME_IT}")
        return {}
    return {candidates[0]: path}


def _header(path: Path, problems: Problems) -> dict[str, object]:
    """Returns the columns of a table, each with its cell in the first row."""
    table = open_delimited(path, Notes(), problems)
    if table is None:
        return {}
    first: Mapping[str, object] = next((row for _, row in table.rows(Problems())), {})
    return {column: first.get(column) for column in table.header}


def _first_object(path: Path, problems: Problems) -> Mapping[str, object]:
    """Returns the first object of a list or of JSON lines, or the one object that a file is."""
    file = open_json(path, problems)
    if file is None:
        return {}
    if file.start == "[":
        return next((row for _, row in file.rows(problems)), {})
    with open_text(path, file.encoding) as lines:
        first = next((line for line in lines if line.strip()), "")
    try:
        return parse_object(first)
    except NotAnObjectError:
        return as_object(read_document(path, problems))


def _of_document(fields: Mapping[str, object]) -> list[Format]:
    """Returns the formats that a JSON object can be of."""
    for each, is_of in _DOCUMENTS:
        if is_of(fields):
            return [each]
    row = as_object(fields.get("trace")) or fields
    if _is_langfuse(row):
        return _langfuse_or(Format.JSON, row)
    # The rows can lie in a list of the object.
    lists = (as_object(next(iter(as_list(value)), None)) for value in fields.values())
    found = (_of_document(inner) for inner in lists if inner)
    return next((each for each in found if each != [Format.JSON]), [Format.JSON])


def _is_evals(fields: Mapping[str, object]) -> bool:
    return bool(as_object(fields.get("spec")).keys() & {"completion_fns", "base_eval"})


def _is_inspect(fields: Mapping[str, object]) -> bool:
    return bool(as_text(as_object(fields.get("eval")).get("model")))


def _is_decision(fields: Mapping[str, object]) -> bool:
    return {"schema_version", "layers", "attempts"} <= fields.keys()


def _is_harness(fields: Mapping[str, object]) -> bool:
    return {"doc_id", "doc", "arguments"} <= fields.keys()


def _is_promptfoo(fields: Mapping[str, object]) -> bool:
    inner = as_object(fields.get("results")).get("results", fields.get("results"))
    row = as_object(next(iter(as_list(inner)), fields))
    return "provider" in row and bool(row.keys() & {"vars", "testCase", "namedScores"})


_DOCUMENTS: tuple[tuple[Format, Callable[[Mapping[str, object]], bool]], ...] = (
    (Format.OPENAI_EVALS, _is_evals),
    (Format.INSPECT, _is_inspect),
    (Format.DECISIONS, _is_decision),
    (Format.EVAL_HARNESS, _is_harness),
    (Format.PROMPTFOO, _is_promptfoo),
)


def _of_columns(fields: Mapping[str, object]) -> list[Format]:
    """Returns the formats that a table with these columns can be of."""
    if any(column.endswith((COST, RESPONSE)) for column in fields) and "eval_name" in fields:
        return [Format.ROUTERBENCH_CSV]
    return _langfuse_or(Format.CSV, fields) if _is_langfuse(fields) else [Format.CSV]


def _is_langfuse(fields: Mapping[str, object]) -> bool:
    """Tells if an object or row is a trace, an observation or a score of Langfuse."""
    names = fields.keys()
    return (
        "traceId" in names
        or {"trace_id", "observation_id"} <= names
        or {"trace_id", "provided_model_name"} <= names
        or {"observations", "scores"} <= names
        or {"sessionId", "userId", "tags"} <= names
        or {"dataType", "subject"} <= names
    )


def _langfuse_or(table: Format, fields: Mapping[str, object]) -> list[Format]:
    """Returns both formats where the columns are those of a table of people too."""
    roles = {role_of(name) for name, value in fields.items() if not _is_packed(value)}
    is_table = {"query", "model", "score"} <= roles
    return [table, Format.LANGFUSE] if is_table else [Format.LANGFUSE]


def _is_packed(value: object) -> bool:
    return isinstance(value, list | dict) or (isinstance(value, str) and value[:1] in {"[", "{"})
