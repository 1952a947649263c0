"""The pools that methods are compared on, read from TOML; all problems are reported at once."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from scorer.runtime.fields import ProblemsError, read_toml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scorer.runtime.fields import FieldReader

DEFAULT_POOLS = Path(__file__).with_name("pools.toml")


class PoolsError(ProblemsError):
    """Raised when a file of pools cannot be used."""


class Average(StrEnum):
    """The ways to average the rows of a test."""

    MICRO = "micro"
    """Each row has the same weight."""
    MACRO = "macro"
    """Each task has the same weight, for any number of rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolConfig:
    """The files of a pool, as paths below the data directory, and its metric."""

    name: str
    licence: str
    train: str
    tests: Mapping[str, str]
    """File of each test, by name."""
    average: Average
    right_if_positive: frozenset[str]
    """Tasks whose positive scores count as 1, since they are probabilities of a right answer."""


def read_pools(path: Path = DEFAULT_POOLS) -> tuple[PoolConfig, ...]:
    """Reads the pools in the order of the file.

    Raises:
        PoolsError: The file is missing, is not TOML, or has bad, missing or unknown fields.
    """
    return read_toml(path, _parse, PoolsError)


def _parse(reader: FieldReader) -> tuple[PoolConfig, ...]:
    pools = tuple(_parse_pool(item) for item in reader.items("pools"))
    names = [pool.name for pool in pools]
    for name in sorted({name for name in names if names.count(name) > 1}):
        reader.problems.append(f"two pools are named {name!r}")
    return pools


def _parse_pool(reader: FieldReader) -> PoolConfig:
    pool = PoolConfig(
        name=reader.text("name"),
        licence=reader.text("licence"),
        train=reader.text("train"),
        tests=reader.text_by_name("tests"),
        average=_average(reader),
        right_if_positive=frozenset(reader.optional_texts("right_if_positive")),
    )
    if not pool.tests:
        reader.problems.append(f"pool {pool.name!r} has no test")
    reader.reject_unread()
    return pool


def _average(reader: FieldReader) -> Average:
    text = reader.text("average")
    if text not in set(Average):
        reader.problems.append(f"average must be one of {', '.join(Average)}, is {text!r}")
        return Average.MICRO
    return Average(text)
