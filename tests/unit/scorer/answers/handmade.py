"""An answer scorer whose weights are set by hand: hedged answers are wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scorer.answers.answer_artifact import AnswerArtifact, AnswerManifest, save_answer_artifact
from scorer.answers.answer_features import NAMES
from scorer.answers.answer_model import AnswerModel
from scorer.runtime.artifact import DataSource

if TYPE_CHECKING:
    from pathlib import Path

HEDGED = "I am not sure, perhaps it is 9, maybe it is 8."
PLAIN = "4 + 4 = 8. The answer is 8."
HIDDEN = 2


def handmade(strength: float = 2.0, models: tuple[str, ...] = ("a", "b")) -> AnswerModel:
    """Returns a scorer in which each hedge costs ``strength``, in log odds."""
    features, count = len(NAMES), len(models)
    linear = np.zeros(features)
    linear[NAMES.index("hedged: count")] = -strength
    return AnswerModel(
        model_ids=models,
        mean=np.zeros(features),
        scale=np.ones(features),
        input=np.zeros((features, HIDDEN)),
        prior_input=np.zeros(HIDDEN),
        hidden_bias=np.zeros(HIDDEN),
        hidden_bias_by_model=np.zeros((count, HIDDEN)),
        output=np.zeros(HIDDEN),
        linear=linear,
        linear_by_model=np.zeros((count, features)),
        slope=np.ones(count + 1),
        bias=np.zeros(count + 1),
        unknown_share=0.5,
    )


def save(path: Path, model: AnswerModel) -> AnswerArtifact:
    """Writes a scorer into a directory, which is made if it is not there."""
    path.mkdir(exist_ok=True)
    source = DataSource(name="none", licence="none", url="none", train_rows=1, validation_rows=1)
    manifest = AnswerManifest(
        name="handmade",
        version="",
        created="2026-01-02",
        model_ids=model.model_ids,
        feature_names=NAMES,
        hidden_units=model.input.shape[1],
        unknown_share=model.unknown_share,
        data_sources=(source,),
        sha256="",
        metrics={},
    )
    return save_answer_artifact(path, manifest, model)
