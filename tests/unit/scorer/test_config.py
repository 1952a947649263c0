from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scorer import default_artifact_path
from scorer.config import RecipeError, read_recipe

if TYPE_CHECKING:
    from pathlib import Path


def test_the_shipped_recipe_is_valid_and_names_the_sources_of_the_shipped_artifact() -> None:
    recipe = read_recipe(default_artifact_path() / "recipe.toml")
    assert [source.name for source in recipe.sources] == ["mmlupro28", "zeroeval29"]


def test_all_problems_of_a_recipe_are_reported_at_once(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(
        'name = "x"\nmax_tokens = 1\nvalidation_fraction = 1.5\nsead = 3\n'
        '[encoder]\nsource = "s"\nname = "n"\n'
        "[head]\nepochs = 0\nbatch_size = 8\nlearning_rate = -1.0\nweight_decay = 0.0\n"
        'sources = "none"\n'
    )
    with pytest.raises(RecipeError) as caught:
        read_recipe(path)
    assert set(caught.value.problems) == {
        "max_tokens must be at least 2, is 1",
        "validation_fraction must be between 0 and 1",
        "seed is missing",
        "sead is not a known field",
        "encoder.licence is missing",
        "head.epochs must be at least 1, is 0",
        "head.learning_rate must be at least 0, is -1",
        "head.sources is not a known field",
        "sources is missing",
        "sources must not be empty",
    }


@pytest.mark.parametrize("text", ["name = ", "\udcff"])
def test_a_recipe_that_is_not_toml_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "recipe.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(RecipeError, match="cannot be read"):
        read_recipe(path)
