"""A recipe says which names of models in a file are spellings of others."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from scorer.training.recipe import read_recipe
from scorer.training.record_checks import UntrainableError
from scorer.training.sources import read_sources

if TYPE_CHECKING:
    from pathlib import Path

    from scorer.data.records import Record

RECORD = {
    "id": "1",
    "query": "Hi?",
    "scores": {"llama-3": 1, "other": 0},
    "cost_usd": {"llama-3": 0.5},
    "completion_tokens": {"llama-3": 7},
}


def records(folder: Path, names: str) -> list[Record]:
    """Reads one record by a recipe with those names."""
    (folder / "a.jsonl").write_text(json.dumps(RECORD) + "\n")
    (folder / "recipe.toml").write_text(
        'name = "x"\nmax_tokens = 8\nvalidation_fraction = 0.5\nseed = 1\n'
        '[[sources]]\nname = "a"\nfile = "a.jsonl"\nlicence = "MIT"\nurl = "here"\n' + names
    )
    (found,) = read_sources(read_recipe(folder / "recipe.toml"), folder)
    return [*found.training, *found.held_out]


def test_a_model_gets_the_name_that_the_recipe_gives_it_with_all_that_is_known(
    tmp_path: Path,
) -> None:
    (record,) = records(tmp_path, '[sources.names]\n"llama-3" = "Llama 3"\n')
    assert record.scores == {"Llama 3": 1.0, "other": 0.0}
    assert record.costs_usd == {"Llama 3": 0.5}
    assert record.completion_tokens == {"Llama 3": 7}


def test_without_names_a_file_s_own_stay(tmp_path: Path) -> None:
    (record,) = records(tmp_path, "")
    assert record.scores == {"llama-3": 1.0, "other": 0.0}


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        ('"llama" = "Llama 3"', "a names models without scores: llama$"),
        ('"llama-3" = "other"', "a gives two of its models the same name"),
    ],
)
def test_names_that_do_not_fit_the_models_are_refused(
    tmp_path: Path, names: str, problem: str
) -> None:
    with pytest.raises(UntrainableError, match=problem):
        records(tmp_path, f"[sources.names]\n{names}\n")
