"""Scores of training queries, each by the labels of the others, as a scorer has for a new query."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scorer.data.splits import fold_of
from scorer.training.calibrate import fit_calibration, logit
from scorer.training.mixture.learner import FOLDS, HeldOut

if TYPE_CHECKING:
    import numpy.typing as npt

    from scorer.training.mixture.examples import Examples
    from scorer.training.mixture.learner import Learned


def prior_scores(learned: Learned, examples: Examples, seed: int) -> npt.NDArray[np.float64]:
    """Returns the scores of the examples that a scorer was learned from, (N, M).

    The kinds are those that were learned, which needs no labels; the success of the models in them is
    that in the other folds.
    """
    shares = learned.kinds.shares(learned.features(examples))
    folds = np.array([fold_of(text, FOLDS, seed) for text in examples.texts])
    chances = HeldOut.of(shares, examples, folds).chances
    calibration = fit_calibration(logit(chances), examples.targets, examples.weights)
    return calibration.scores(chances)
