"""What a pool is: a TOML file, read into frozen values with every problem at once."""

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
    """How the rows of a test become one figure."""

    MICRO = "micro"
    """Every row counts the same."""
    MACRO = "macro"
    """Every task counts the same, however many rows it has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolConfig:
    """The files of a pool, as paths below the data directory, and its metric."""

    name: str
    licence: str
    train: str
    tests: Mapping[str, str]
    """File by name of the test."""
    average: Average
    right_if_positive: frozenset[str]
    """Tasks whose scores become 1 where positive: they are probabilities of a right answer."""


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
    reader.refuse_unread()
    return pool


def _average(reader: FieldReader) -> Average:
    text = reader.text("average")
    if text not in set(Average):
        reader.problems.append(f"average must be one of {', '.join(Average)}, is {text!r}")
        return Average.MICRO
    return Average(text)
