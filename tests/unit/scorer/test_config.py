from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scorer import default_artifact_path
from scorer.training.recipe import LearnerConfig, RecipeError, read_recipe

if TYPE_CHECKING:
    from pathlib import Path


def test_the_shipped_recipe_is_valid_and_names_the_sources_of_the_shipped_artifact() -> None:
    recipe = read_recipe(default_artifact_path() / "recipe.toml")
    assert recipe.encoder is not None
    assert [source.name for source in recipe.sources] == ["mmlupro28", "zeroeval29"]


def test_all_problems_of_a_recipe_are_reported_at_once(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(
        'name = "x"\nmax_tokens = 1\nvalidation_fraction = 1.5\nsead = 3\n'
        '[encoder]\nsource = "s"\nname = "n"\n'
        "[learner]\nngram_buckets = 1\nprojection_width = 8\nmax_classes = 0\nclass_ridges = [-1]\n"
        'folds = 1\nsources = "none"\n'
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
        "learner.distilled_width is missing",
        "learner.max_classes must be at least 1, is 0",
        "learner.class_ridges.0 must be at least 0, is -1",
        "learner.folds must be at least 2, is 1",
        "learner.sources is not a known field",
        "sources is missing",
        "sources must not be empty",
    }


def test_the_recipe_of_the_edge_tier_has_no_encoder_but_a_teacher() -> None:
    recipe = read_recipe(default_artifact_path().parent / "edge" / "recipe.toml")
    assert recipe.encoder is None
    assert recipe.teacher is not None
    assert recipe.learner == LearnerConfig()


def test_an_encoder_is_read_or_teaches_and_not_both(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    section = 'source = "s"\nname = "n"\nlicence = "l"\nlayers = 1\n'
    source = '[[sources]]\nname = "n"\nfile = "f"\nlicence = "l"\nurl = "u"\n'
    head = 'name = "x"\nmax_tokens = 16\nvalidation_fraction = 0.1\nseed = 3\n'
    path.write_text(f"{head}[teacher]\n{section}{source}")
    recipe = read_recipe(path)
    assert recipe.encoder is None
    assert recipe.teacher is not None
    path.write_text(f"{head}[teacher]\n{section}[encoder]\n{section}{source}")
    with pytest.raises(RecipeError, match="one of them must go"):
        read_recipe(path)


@pytest.mark.parametrize("text", ["name = ", "\udcff"])
def test_a_recipe_that_is_not_toml_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "recipe.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(RecipeError, match="cannot be read"):
        read_recipe(path)
