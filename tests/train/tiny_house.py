"""A directory in which a tiny scorer is trained: two pools, a recipe, and the commands."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

from typer.testing import CliRunner

from scorer.__main__ import app
from scorer.runtime.artifact import Tier, load_artifact
from tests.train.tiny_encoder import WORDS

if TYPE_CHECKING:
    from pathlib import Path

RECIPE = """
name = "tiny"
max_tokens = 16
validation_fraction = 0.25
seed = 5
{encoder}
[learner]
ngram_buckets = 256
projection_width = 8
[[sources]]
name = "first"
file = "first.jsonl"
licence = "none"
url = "none"
[[sources]]
name = "second"
file = "second.jsonl"
licence = "none"
url = "none"
"""

ENCODER = """
[encoder]
source = "{source}"
name = "tiny"
licence = "none"
layers = 1
"""


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def train(directory: Path, encoder: Path | None, *, order: int = 0) -> None:
    write_pools(directory, order=order)
    write_recipe(directory, encoder)
    run("train", directory / "recipe.toml", directory / "checkpoint", *train_options(directory))


def write_recipe(directory: Path, encoder: Path | None) -> None:
    section = ENCODER.format(source=encoder) if encoder else ""
    text = RECIPE.format(encoder=section)
    (directory / "recipe.toml").write_text(text, encoding="utf-8")


def train_options(directory: Path) -> list[object]:
    return ["--data", directory, "--cache", directory / "embeddings", "--json"]


def write_pools(directory: Path, *, order: int) -> None:
    """Two pools: `maths` is good at sums, `poet` at poems; `shared` is in both and middling."""
    draw = random.Random(3)
    pools: dict[str, list[dict[str, object]]] = {"first": [], "second": []}
    for index in range(240):
        about_sums = index % 2 == 0
        topic = WORDS[:3] if about_sums else WORDS[3:6]
        words = [*draw.choices(topic, k=3), *draw.choices(WORDS[6:], k=draw.randint(1, 12))]
        right, wrong = float(draw.random() < 0.95), float(draw.random() < 0.05)
        shared = float(draw.random() < 0.5)
        if index % 4 < 2:
            pool, scores = "first", {"maths": right if about_sums else wrong, "shared": shared}
        else:
            pool, scores = "second", {"poet": wrong if about_sums else right, "shared": shared}
        row = {
            "id": str(index),
            "task": "sums" if about_sums else "poems",
            "query": " ".join(words),
        }
        lengths = dict.fromkeys(scores, 10 if about_sums else 100)
        pools[pool].append({**row, "scores": scores, "completion_tokens": lengths})
    for name, rows in pools.items():
        random.Random(order).shuffle(rows)
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (directory / f"{name}.jsonl").write_text(text, encoding="utf-8")


def tier_of(house: Path) -> Tier:
    return load_artifact(house / "fp32").manifest.tier
