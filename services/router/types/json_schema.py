"""JSON schemas: compiled once, cached, and safe to use on what callers and models write."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any, NoReturn

import jsonschema_rs

from services.router.types.json_text import JsonTextError, is_too_deep, read_json
from services.router.types.schema_graph import SchemaGraph, SchemaGraphError

if TYPE_CHECKING:
    from services.router.types.json_text import JsonValue

MAX_SCHEMA_CHARACTERS = 100_000
MAX_PROBLEMS = 5
"""Most problems of a value that are listed."""
_MAX_STEPS = 200_000
"""Most steps of a check: a fifth of a second at the very most."""
_MAX_LISTING_STEPS = 5_000
"""Most steps of a check whose problems are listed one by one, which takes much more memory."""
_MAX_PROBLEM_CHARACTERS = 200
_MAX_CACHED_CHARACTERS = 2_000_000
_PATTERNS = jsonschema_rs.FancyRegexOptions(
    backtrack_limit=1_000, size_limit=1 << 20, dfa_size_limit=1 << 20
)
_TOO_COSTLY = "takes too many steps to check against the schema"


class SchemaError(ValueError):
    """Raised for a text that is no usable JSON schema; its text gives the reason."""


class Schema:
    """A compiled JSON schema.

    Args:
        document: The schema.

    Raises:
        SchemaError: It is no valid schema, or none that can be checked safely.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        """The schema as it was read; not to be changed."""
        try:
            self._graph = SchemaGraph(document)
            self._validator = jsonschema_rs.validator_for(
                document,
                retriever=_refuse,
                mask="the value",
                pattern_options=_PATTERNS,
            )
        except SchemaGraphError as error:
            raise SchemaError(str(error)) from error
        except jsonschema_rs.ValidationError as error:
            raise SchemaError(_no_schema(error)) from error
        except ValueError as error:
            message = "is no valid JSON schema"
            raise SchemaError(message) from error

    def problems(self, value: JsonValue) -> list[str]:
        """Returns what is wrong with a value, without its content; nothing if it is valid.

        The list is bounded, and so is the time.
        """
        if is_too_deep(value):
            return ["is nested too deeply"]
        steps = self._graph.steps(value, _MAX_STEPS)
        if steps > _MAX_STEPS:
            return [_TOO_COSTLY]
        try:
            if self._validator.is_valid(value):
                return []
        except ValueError:  # no value of JSON
            return ["is no JSON"]
        if steps > _MAX_LISTING_STEPS:
            return ["does not match the schema"]
        found = dict.fromkeys(map(_problem, self._validator.iter_errors(value)))
        return list(found)[:MAX_PROBLEMS]


class _Cache:
    """The schemas used last, up to a number of characters."""

    def __init__(self) -> None:
        self._schemas: OrderedDict[str, Schema] = OrderedDict()
        self._characters = 0

    def schema(self, text: str) -> Schema:
        """Returns the schema of a text."""
        schema = self._schemas.get(text)
        if schema is not None:
            self._schemas.move_to_end(text)
            return schema
        schema = Schema(_document(text))
        self._schemas[text] = schema
        self._characters += len(text)
        while self._characters > _MAX_CACHED_CHARACTERS:
            oldest, _ = self._schemas.popitem(last=False)
            self._characters -= len(oldest)
        return schema


_CACHE = _Cache()


def compile_schema(text: str) -> Schema:
    """Returns the schema of a text; the same text is compiled once while it is in the cache.

    Raises:
        SchemaError: The text is no JSON object, no valid schema, or none that can be checked safely.
    """
    return _CACHE.schema(text)


def _document(text: str) -> dict[str, Any]:
    if len(text) > MAX_SCHEMA_CHARACTERS:
        message = f"must have at most {MAX_SCHEMA_CHARACTERS:,} characters, has {len(text):,}"
        raise SchemaError(message)
    try:
        document = read_json(text)
    except JsonTextError as error:
        raise SchemaError(str(error)) from error
    if not isinstance(document, dict):
        message = "must be a JSON object"
        raise SchemaError(message)
    return document


def _refuse(uri: str) -> NoReturn:
    """Keeps the validator from reading URLs and files."""
    raise ValueError(uri)


def _no_schema(error: jsonschema_rs.ValidationError) -> str:
    path = "".join(f"/{part}" for part in error.instance_path)
    words = "is no valid JSON schema"
    return f"{words}, see {path}"[:_MAX_PROBLEM_CHARACTERS] if path else words


def _problem(error: jsonschema_rs.ValidationError) -> str:
    path = "".join(f"/{part}" for part in error.instance_path)
    return f"{path}: {error.message}".removeprefix(": ")[:_MAX_PROBLEM_CHARACTERS]
