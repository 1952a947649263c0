"""``train-answers``: trains an answer scorer on routing records with answers."""

from __future__ import annotations

from scorer.commands import console, tables
from scorer.commands.artifacts import Created, today
from scorer.commands.train import DataPath, RecipePath
from scorer.data.staging import staged
from scorer.training.recipe import read_recipe


def train_answers(
    recipe: RecipePath,
    output: console.OutputPath,
    *,
    data: DataPath,
    created: Created = "",
    as_json: console.AsJson = False,
) -> None:
    """Train an answer scorer on routing records with answers, and write its artifact.

    It is refused if the answers' texts say no more than the prior scores on held-out records.
    """
    with console.friendly():
        plan = read_recipe(recipe)
        from scorer.training.answers.answer_training import (  # noqa: PLC0415 - needs torch
            train_answers as train,
        )

        with staged(output) as directory:
            artifact = train(
                plan,
                data=data,
                output=directory,
                created=created or today(),
                warn=console.warn,
            )
    metrics = artifact.manifest.metrics
    console.show(tables.metrics(metrics), metrics, as_json=as_json)
