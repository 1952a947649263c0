"""The page of training names every field of a recipe, with the default and the meaning it has."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from scorer.training.recipe import EncoderConfig, LearnerConfig, Recipe, SourceConfig, read_recipe
from scripts.gen_docs import training_page

PAGE = Path(__file__).parents[3] / "docs/training.md"


def test_the_table_of_fields_is_that_of_the_code() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert training_page(page) == page, "run `make gen`"
    sections = {
        "": Recipe,
        "encoder.": EncoderConfig,
        "learner.": LearnerConfig,
        "sources[].": SourceConfig,
    }
    for prefix, kind in sections.items():
        for field in dataclasses.fields(kind):
            name = f"{prefix}{field.name}{'[]' if field.name == 'sources' else ''}"
            (row,) = [line for line in page.splitlines() if line.startswith(f"| `{name}` |")]
            assert len([cell for cell in row.split("|") if cell.strip()]) == 4, row
    assert "| `learner.projection_width` | whole number | `128` |" in page


def test_a_page_without_a_place_for_the_fields_is_an_error() -> None:
    with pytest.raises(ValueError, match="no place"):
        training_page("# Training")


def test_the_smallest_recipe_of_the_page_is_valid(tmp_path: Path) -> None:
    example = PAGE.read_text(encoding="utf-8").split("```toml\n")[1].split("```")[0]
    path = tmp_path / "recipe.toml"
    path.write_text(example, encoding="utf-8")
    assert read_recipe(path).learner == LearnerConfig()
