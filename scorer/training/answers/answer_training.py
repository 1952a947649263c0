"""Runs a recipe: records with answers -> the directory of an answer scorer. Needs torch.

``records, answers -> split -> prior scores by the labels of other folds -> learn from answers
-> figures on held-out records -> refuse if no better than the prior -> save``
"""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorer.answers.answer_artifact import AnswerManifest, save_answer_artifact
from scorer.answers.answer_features import NAMES
from scorer.answers.answer_model import AnswerModel, log_odds
from scorer.data.records import model_ids_of
from scorer.data.responses import read_responses
from scorer.measures.answer_gain import AnswerGain, answer_gain
from scorer.runtime.artifact import DataSource
from scorer.training.answers.answer_card import CARD_FILE, answer_card
from scorer.training.answers.answer_examples import AnswerExamples, make_answer_examples
from scorer.training.answers.answer_learner import HIDDEN_UNITS, learn_answers
from scorer.training.answers.prior_scores import prior_scores
from scorer.training.mixture.examples import record_examples
from scorer.training.mixture.learner import learn
from scorer.training.record_checks import UntrainableError, check_records
from scorer.training.sources import read_sources

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from scorer.answers.answer_artifact import AnswerArtifact
    from scorer.data.records import Record
    from scorer.training.recipe import Recipe
    from scorer.training.sources import SourceRecords

MIN_ANSWERS = 200
"""Fewest answers that are learned from."""
LEFT_OUT_EVERY = 3
"""One in so many models is left out to learn what the shared weights alone are worth."""
UNKNOWN_SHARES = tuple(step / 10 for step in range(11))
"""The shares of the gain that are tried for models that are not known."""
SHARE_OF_FEW = 0.5
"""The share for pools of fewer models."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Answered:
    """Records that have answers."""

    training: list[Record]
    held_out: list[Record]
    sources: tuple[DataSource, ...]
    answers: Mapping[int, Mapping[str, str]]
    """By the identity of the record, since ids are unique within a file alone."""

    def of(self, records: Sequence[Record]) -> list[Mapping[str, str]]:
        return [self.answers[id(record)] for record in records]


def train_answers(
    recipe: Recipe, *, data: Path, output: Path, created: str, warn: Callable[[str], None]
) -> AnswerArtifact:
    """Trains an answer scorer and writes it into the existing directory ``output``.

    Args:
        recipe: The settings, as of a scorer.
        data: The directory that holds the recipe's files of records, and of answers beside them.
        output: The directory of the artifact.
        created: The ISO date in the manifest.
        warn: Called with a warning about records that can be trained on but look wrong.

    Raises:
        RecordsError: A file has bad lines.
        UntrainableError: Nothing can be learned from the records, or the answers say nothing.
    """
    found = _answered(read_sources(recipe, data), data)
    check_records(found.training, found.held_out, warn=warn)
    examples, held_out = _examples(found, recipe)
    model = learn_answers(examples, seed=recipe.seed)
    model = dataclasses.replace(model, unknown_share=_unknown_share(examples, recipe.seed))
    gain = measured(model, held_out)
    if gain.gain.low <= 0:
        raise UntrainableError(
            f"the answers' texts do not help: the prior score's loss is {gain.prior_loss:.4f} on "
            f"held-out answers, and with the texts it is {gain.loss:.4f}"
        )
    manifest = AnswerManifest(
        name=recipe.name,
        version="",
        created=created,
        model_ids=examples.model_ids,
        feature_names=NAMES,
        hidden_units=HIDDEN_UNITS,
        unknown_share=model.unknown_share,
        data_sources=found.sources,
        sha256="",
        metrics={f"validation_{name}": value for name, value in gain.figures.items()},
    )
    artifact = save_answer_artifact(output, manifest, model)
    (output / CARD_FILE).write_text(answer_card(artifact.manifest), encoding="utf-8")
    return artifact


def _examples(found: _Answered, recipe: Recipe) -> tuple[AnswerExamples, AnswerExamples]:
    """Returns the answers to learn from, and those that are held out.

    Raises:
        UntrainableError: There are too few.
    """
    model_ids = model_ids_of([*found.training, *found.held_out])
    answered = _models_with_answers(found, model_ids)
    columns = [model_ids.index(model) for model in answered]
    read = functools.partial(
        record_examples,
        model_ids=model_ids,
        ngram_buckets=recipe.learner.ngram_buckets,
        embeddings=None,
    )
    queries, kept = read(found.training), read(found.held_out)
    learned = learn(queries, config=recipe.learner, seed=recipe.seed)
    examples = make_answer_examples(
        found.training,
        found.of(found.training),
        prior_scores(learned, queries, recipe.seed)[:, columns],
        answered,
        disguise_seed=recipe.seed,
    )
    if len(examples.targets) < MIN_ANSWERS:
        raise UntrainableError(
            f"there are {len(examples.targets)} answers with a score to learn from, and at least "
            f"{MIN_ANSWERS} are needed"
        )
    priors = learned.scores(learned.features(kept))[:, columns]
    return examples, make_answer_examples(
        found.held_out, found.of(found.held_out), priors, answered
    )


def measured(model: AnswerModel, examples: AnswerExamples) -> AnswerGain:
    """Returns the figures of an answer scorer on examples that it has not learned from."""
    priors = 1 / (1 + np.exp(-examples.odds))
    names = [examples.model_ids[column] for column in examples.models]
    scores = model.scores(examples.features, names, priors)
    return answer_gain(scores, priors, examples.targets, examples.models, examples.queries)


def _unknown_share(examples: AnswerExamples, seed: int) -> float:
    """Returns the share of the gain that is best for models that were left out."""
    if len(examples.model_ids) < LEFT_OUT_EVERY:
        return SHARE_OF_FEW
    left_out = examples.models % LEFT_OUT_EVERY == 0
    model = learn_answers(examples.part(~left_out), seed=seed)
    tried = examples.part(left_out)
    priors = 1 / (1 + np.exp(-tried.odds))

    def loss(share: float) -> float:
        shared = dataclasses.replace(model, unknown_share=share)
        scores = shared.scores(tried.features, [""] * len(priors), priors)
        return float(-np.mean(_log_likelihood(scores, tried.targets)))

    return min(UNKNOWN_SHARES, key=loss)


def _log_likelihood(
    scores: npt.NDArray[np.floating], targets: npt.NDArray[np.floating]
) -> npt.NDArray[np.floating]:
    odds = log_odds(scores)
    found: npt.NDArray[np.floating] = targets * odds - np.logaddexp(0, odds)
    return found


def _answered(sources: Sequence[SourceRecords], data: Path) -> _Answered:
    """Returns the records that have answers, with them."""
    answers: dict[int, Mapping[str, str]] = {}
    training: list[Record] = []
    held_out: list[Record] = []
    facts = []
    for each in sources:
        responses = read_responses(data / each.source.file)
        answers |= {
            id(record): responses[record.id]
            for record in (*each.training, *each.held_out)
            if record.id in responses
        }
        ours = [record for record in each.training if id(record) in answers]
        kept = [record for record in each.held_out if id(record) in answers]
        training += ours
        held_out += kept
        if ours:
            facts.append(
                DataSource(
                    name=each.source.name,
                    licence=each.source.licence,
                    url=each.source.url,
                    train_rows=len(ours),
                    validation_rows=len(kept),
                )
            )
    if not answers:
        raise UntrainableError(
            "no record has answers: give each a field `responses`, or a file of them beside the records"
        )
    return _Answered(training=training, held_out=held_out, sources=tuple(facts), answers=answers)


def _models_with_answers(found: _Answered, model_ids: Sequence[str]) -> tuple[str, ...]:
    named = {model for responses in found.answers.values() for model in responses}
    return tuple(model for model in model_ids if model in named)
