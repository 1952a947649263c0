from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scorer import default_artifact_path, load_artifact
from scorer.training.recipe import LearnerConfig, RecipeError, read_recipe

if TYPE_CHECKING:
    from pathlib import Path


def test_the_shipped_recipe_is_valid_and_names_the_sources_of_the_shipped_artifact() -> None:
    recipe = read_recipe(default_artifact_path() / "recipe.toml")
    assert recipe.encoder is None
    assert recipe.learner == LearnerConfig()
    sources = load_artifact(default_artifact_path()).manifest.data_sources
    assert [source.name for source in recipe.sources] == [source.name for source in sources]
    base = read_recipe(default_artifact_path().parent / "base/recipe.toml")
    assert base.encoder is not None


def test_all_problems_of_a_recipe_are_reported_at_once(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(
        'name = "x"\nmax_tokens = 1\nvalidation_fraction = 1.5\nsead = 3\n'
        '[encoder]\nsource = "s"\nname = "n"\n'
        "[learner]\nngram_buckets = 1\nprojection_width = 0\n"
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
        "encoder.layers is missing",
        "learner.ngram_buckets must be at least 2, is 1",
        "learner.projection_width must be at least 1, is 0",
        "learner.sources is not a known field",
        "sources is missing",
        "sources must not be empty",
    }


@pytest.mark.parametrize("text", ["name = ", "\udcff"])
def test_a_recipe_that_is_not_toml_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "recipe.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(RecipeError, match="cannot be read"):
        read_recipe(path)
