"""``train-answers``: trains an answer scorer on routing records with answers."""

from __future__ import annotations

from scorer.commands import console, tables, train
from scorer.commands.artifacts import Created, today
from scorer.data.staging import staged
from scorer.training.recipe import read_recipe


def train_answers(
    recipe: train.RecipePath,
    output: console.OutputPath,
    *,
    data: train.DataPath,
    created: Created = "",
    as_json: console.AsJson = False,
) -> None:
    """Train an answer scorer on routing records with answers, and write its artifact.

    It is refused if the answers' texts say no more than the prior scores on held-out records.
    """
    with console.friendly():
        plan = read_recipe(recipe)
        from scorer.training.answers import answer_training  # noqa: PLC0415 - needs torch

        with staged(output) as directory:
            artifact = answer_training.train_answers(
                plan,
                data=data,
                output=directory,
                created=created or today(),
                warn=console.warn,
            )
    metrics = artifact.manifest.metrics
    console.show(tables.metrics(metrics), metrics, as_json=as_json)
