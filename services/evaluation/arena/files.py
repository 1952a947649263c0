"""Reads and writes RouterArena's files: dataset, config and predictions.

A dataset is a JSON list of objects with ``global index`` and ``prompt_formatted`` or ``prompt``. A
prediction adds ``prediction``, the chosen model; RouterArena's pipeline fills in ``generated_result``,
``cost`` in dollars and ``accuracy``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_MOST_PROBLEMS = 10
QueryT = TypeVar("QueryT", bound="ArenaQuery")


class ArenaFileError(ValueError):
    """Raised for a file that is not in RouterArena's format; its text names the first problems."""


class ArenaQuery(BaseModel):
    """A query of the dataset."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(validation_alias=AliasChoices("global index", "global_index"), min_length=1)
    prompt: str = Field(validation_alias=AliasChoices("prompt_formatted", "prompt"), min_length=1)


class ArenaPrediction(ArenaQuery):
    """A query with the model that was chosen for it, and its marks if RouterArena gave any."""

    prediction: str = Field(min_length=1)
    cost: float | None = Field(default=None, ge=0)
    accuracy: float | None = Field(default=None, ge=0, le=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """The files of a router, below RouterArena's ``router_inference``."""

    name: str
    models: Sequence[str]
    queries: Sequence[ArenaQuery]
    choices: Mapping[str, str]
    """The chosen model by the id of the query."""

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Writes ``config/NAME.json`` and ``predictions/NAME.json``, and returns their paths.

        Raises:
            OSError: A file cannot be written.
        """
        config = {"pipeline_params": {"router_name": self.name, "models": list(self.models)}}
        predictions = [
            {
                "global index": query.id,
                "prompt": query.prompt,
                "prediction": self.choices[query.id],
                "generated_result": None,
                "cost": None,
                "accuracy": None,
            }
            for query in self.queries
        ]
        return (
            _write(folder / "config" / f"{self.name}.json", config),
            _write(folder / "predictions" / f"{self.name}.json", predictions),
        )


def read_dataset(path: Path) -> list[ArenaQuery]:
    """Reads the queries of a dataset.

    Raises:
        ArenaFileError: It is not in the format, or an id is there twice.
    """
    return _read(path, TypeAdapter(list[ArenaQuery]))


def read_predictions(path: Path) -> list[ArenaPrediction]:
    """Reads predictions.

    Raises:
        ArenaFileError: They are not in the format, or an id is there twice.
    """
    return _read(path, TypeAdapter(list[ArenaPrediction]))


def _read(path: Path, kind: TypeAdapter[list[QueryT]]) -> list[QueryT]:
    try:
        found = kind.validate_json(path.read_bytes())
    except OSError as error:
        raise ArenaFileError(f"{path} cannot be read: {error}") from error
    except ValidationError as error:
        problems = [
            f"{path}: {'.'.join(map(str, each['loc'])) or 'the file'}: {each['msg']}"
            for each in error.errors(include_url=False, include_input=False)
        ]
        raise ArenaFileError("\n".join(problems[:_MOST_PROBLEMS])) from None
    ids = [each.id for each in found]
    twice = (
        sorted({each for each in ids if ids.count(each) > 1}) if len(set(ids)) < len(ids) else []
    )
    if twice or not ids:
        problem = f"ids that are there twice: {', '.join(twice[:_MOST_PROBLEMS])}"
        raise ArenaFileError(f"{path}: {problem if twice else 'it holds no query'}")
    return found


def _write(path: Path, content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return path
