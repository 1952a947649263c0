"""Finds the meaning of each column of a table from its name and its cells.

``columns, options -> Layout: the query, the models and their scores, or an error that lists all``
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from scorer.data.converters.scores.scale import Found

QUERY = (
    ("query", "prompt", "question", "user_query", "user_prompt"),
    ("input", "instruction", "user_input", "user_message", "problem", "messages", "inputs"),
    ("text", "message", "content"),
)
"""Names of the query's column, the likeliest group first."""
MODEL = (
    ("model", "model_name", "model_id", "llm", "llm_name"),
    ("provider", "engine", "deployment", "system", "assistant"),
)
SCORE = (
    (
        *("score", "scores", "rating", "label", "correct", "is_correct", "grade", "reward"),
        *("thumbs", "thumb", "stars", "feedback", "vote", "accuracy", "passed", "quality"),
    ),
    ("value", "result", "outcome", "success", "pass", "acc", "exact_match"),
)
ID = (("id", "query_id", "question_id", "sample_id", "record_id", "prompt_id", "uid", "uuid"),)
TASK = (
    ("task", "task_name", "eval_name"),
    ("category", "domain", "subject", "dataset", "benchmark", "kind", "topic"),
)
AMOUNTS = {
    "cost_usd": ("cost_usd", "cost", "total_cost", "price", "usd"),
    "latency_s": ("latency_s", "latency", "duration_s", "seconds"),
    "prompt_tokens": ("prompt_tokens", "input_tokens", "tokens_in"),
    "completion_tokens": ("completion_tokens", "output_tokens", "tokens_out"),
}
"""Names of columns with amounts, by field of a record."""
NEVER_MODELS = frozenset(
    (
        *("", "index", "row", "n", "no", "nr", "unnamed_0", "timestamp", "date", "time", "year"),
        *("created_at", "user", "user_id", "session_id", "trace_id", "language", "lang", "split"),
        *("fold", "seed", "difficulty", "level", "length", "tokens", "n_tokens", "weight", "gold"),
        *("answer", "target", "expected", "expected_output", "reference", "response", "output"),
        *("comment", "comments", "notes", "winner", "best_model", "best", "latency_ms", "count"),
    )
)
"""Names of numbers and texts that stand beside scores; no model is called so."""
_WORD_BREAK = re.compile(r"(?<=[a-z])(?=[A-Z])|[^0-9A-Za-z]+")
_OF_MODEL = re.compile(r"(?P<model>.+?)[|_.:/ -]+(?P<what>[a-zA-Z][a-zA-Z _]*)")
_SCORES = frozenset(("score", "rating", "label", "correct", "grade"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The columns that a user named; nothing where the name is to be guessed."""

    query: str = ""
    model: str = ""
    score: str = ""
    models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The columns to read. A long table has a column of models, a wide one a column per model."""

    query: str
    id: str = ""
    task: str = ""
    model: str = ""
    scores: Mapping[str, str] = field(default_factory=dict)
    """The column of scores by model; a long table has one, without a model."""
    amounts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """The columns of amounts: field of a record, model, column."""

    @property
    def columns(self) -> set[str]:
        """The columns that are read."""
        amounts = [column for columns in self.amounts.values() for column in columns.values()]
        return {self.query, self.id, self.task, self.model, *self.scores.values(), *amounts}

    def __str__(self) -> str:
        named = {"query": self.query, "model": self.model, "id": self.id, "task": self.task}
        parts = [f"{what} = {column!r}" for what, column in named.items() if column]
        if self.model:
            parts.append(f"score = {next(iter(self.scores.values()))!r}")
        else:
            parts.append(f"models = {', '.join(self.scores)}")
        for amount, columns in self.amounts.items():
            listed = ", ".join(map(repr, columns.values()))
            parts.append(f"{amount} = {listed if len(columns) < 4 else f'{len(columns)} columns'}")
        return "; ".join(parts)


class LayoutError(ValueError):
    """Raised where the meaning of the columns is not clear; the message lists them."""


def plain_name(name: str) -> str:
    """Returns a column's name as names are compared: ``User Query`` and ``userQuery`` are equal."""
    return _WORD_BREAK.sub("_", name).strip("_").casefold()


def role_of(name: str) -> str | None:
    """Returns the role that a column's name tells; a model's column has none."""
    plain = plain_name(name)
    roles = {"query": QUERY, "model": MODEL, "score": SCORE, "id": ID, "task": TASK}
    for role, groups in roles.items():
        if any(plain in group for group in groups):
            return role
    for role, names in AMOUNTS.items():
        if plain in names:
            return role
    return "other" if plain in NEVER_MODELS else None


def layout_of(columns: Mapping[str, Found], told: Told) -> Layout:
    """Returns the columns to read.

    Args:
        columns: The columns with what their cells hold.
        told: The columns that a user named.

    Raises:
        LayoutError: A column is missing, or several could be meant.
    """
    wide = bool(told.models)
    query = _column(columns, QUERY, told.query, "query", "--query-field")
    model = "" if wide else _column(columns, MODEL, told.model, "model", "--model-field")
    # A wide table can have a column such as "label" beside those of the models.
    option = "--score-field" if model or told.score else ""
    score = "" if wide else _column(columns, SCORE, told.score, "score", option)
    if not query:
        raise LayoutError(_listing(columns, "no column is named like a query", query, model, score))
    both = {
        "id": _column(columns, ID, "", "id", ""),
        "task": _column(columns, TASK, "", "task", ""),
    }
    if model and score:
        return Layout(
            query=query, model=model, scores={"": score}, amounts=_amounts(columns, ("",)), **both
        )
    if told.model or told.score or model:
        missing = "model" if score else "score"
        raise LayoutError(_listing(columns, f"no column of the {missing}", query, model, score))
    models = _models(columns, told, taken={query, *both.values()})
    if not models:
        found = "no column holds the scores of a model" + _texts(columns, query)
        raise LayoutError(_listing(columns, found, query, model, score))
    return Layout(query=query, scores=models, amounts=_amounts(columns, models), **both)


def _column(
    columns: Mapping[str, Found],
    groups: tuple[tuple[str, ...], ...],
    told: str,
    what: str,
    option: str,
) -> str:
    """Returns the column of one meaning, or nothing; several are an error if an option can tell."""
    if told:
        if told not in columns:
            raise LayoutError(f"has no column {told!r}; it has {_names(columns)}")
        return told
    for group in groups:
        found = [name for name in columns if plain_name(name) in group]
        if len(found) > 1 and option:
            several = " and ".join(map(repr, found))
            raise LayoutError(f"{several} could each be the {what}: name it with {option}")
        if found:
            return found[0]
    return ""


def _models(columns: Mapping[str, Found], told: Told, *, taken: Collection[str]) -> dict[str, str]:
    """Returns the column of scores of each model of a wide table."""
    if told.models:
        missing = [name for name in told.models if name not in columns]
        if missing:
            raise LayoutError(f"has no column {missing[0]!r}; it has {_names(columns)}")
        return {name: name for name in told.models}
    scores = {
        name: _model_of(name)
        for name, cells in columns.items()
        if name not in taken and not cells.is_text and cells.scores and role_of(name) is None
    }
    models = {*columns, *scores.values()}
    return {model: name for name, model in scores.items() if _amount_of(name, models) is None}


def _model_of(column: str) -> str:
    """Returns the model of a column such as ``gpt-4o_score``, or its whole name."""
    match = _OF_MODEL.fullmatch(column)
    return match["model"] if match and plain_name(match["what"]) in _SCORES else column


def _amounts(columns: Mapping[str, Found], models: Collection[str]) -> dict[str, dict[str, str]]:
    """Returns the columns of amounts; a long table has one of each, a wide one such as ``a_cost``."""
    found: dict[str, dict[str, str]] = {}
    for name in columns:
        if "" in models:
            for amount, names in AMOUNTS.items():
                if plain_name(name) in names:
                    found.setdefault(amount, {}).setdefault("", name)
        elif (of_model := _amount_of(name, models)) is not None:
            amount, model = of_model
            found.setdefault(amount, {})[model] = name
    return found


def _amount_of(name: str, models: Collection[str]) -> tuple[str, str] | None:
    """Returns the amount and model of a column such as ``gpt-4o|total_cost``."""
    for model in models:
        if model and name.startswith(model) and name != model:
            plain = plain_name(name[len(model) :])
            for amount, names in AMOUNTS.items():
                if plain in names:
                    return amount, model
    return None


def _texts(columns: Mapping[str, Found], query: str) -> str:
    """Returns examples of columns of text where scores were looked for."""
    texts = [
        f"{name!r} holds text, such as {found.example}"
        for name, found in columns.items()
        if found.is_text and name != query and role_of(name) in {None, "score"}
    ]
    return f" ({'; '.join(texts[:3])})" if texts else ""


def _listing(columns: Mapping[str, Found], what: str, query: str, model: str, score: str) -> str:
    guessed = {"query": query, "model": model, "score": score}
    roles = ", ".join(f"{role} = {name!r}" for role, name in guessed.items() if name) or "nothing"
    return (
        f"{what}; it has {_names(columns)}; guessed: {roles}: name columns with --query-field, and "
        "--models, or --model-field and --score-field"
    )


def _names(columns: Mapping[str, Found], most: int = 30) -> str:
    names = [repr(name) for name in columns]
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"the columns {', '.join(names[:most])}{more}"
