"""A small network that says how likely an answer is right, in numpy.

With the standardized features x (F,) of an answer by model m, and the log odds l of m's prior score:

    hidden  = relu(x @ input + l * prior_input + hidden_bias + hidden_bias_by_model[m])     (H,)
    logit   = hidden @ output + x @ (linear + linear_by_model[m]) + slope[m] * l + bias[m]
    gain    = (logit - l) clipped to [-MAX_LOSS, MAX_GAIN]
    score   = sigmoid(l + gain)

A model that is not known has the shared weights alone, and `unknown_share` of the gain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.floating]

MAX_GAIN = 2.0
"""Most that an answer's text may add to the log odds of the prior score: form is no proof."""
MAX_LOSS = 4.0
"""Most that it may take from them."""
MAX_DEVIATION = 4.0
"""Standardized features are clipped to this distance from their mean."""
MIN_SCORE = 1e-3
"""Prior scores are clipped to this distance from 0 and 1."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AnswerModel:
    """The weights of an answer scorer of M models, F features and H hidden units."""

    model_ids: tuple[str, ...]
    mean: Floats
    """Mean of the features, (F,)."""
    scale: Floats
    """Standard deviation of the features, above zero, (F,)."""
    input: Floats
    """Weights of the hidden units, (F, H)."""
    prior_input: Floats
    """Weights of the prior's log odds, (H,)."""
    hidden_bias: Floats
    """(H,)."""
    hidden_bias_by_model: Floats
    """(M, H)."""
    output: Floats
    """(H,)."""
    linear: Floats
    """(F,)."""
    linear_by_model: Floats
    """(M, F)."""
    slope: Floats
    """Slope of the prior's log odds: that of each model, then the shared one, (M + 1,)."""
    bias: Floats
    """Likewise, (M + 1,)."""
    unknown_share: float
    """Share of the gain that counts for a model that is not known, in [0, 1]."""

    def scores(self, features: Floats, models: Sequence[str], priors: Floats) -> Floats:
        """Returns the chance that each of N answers is right, (N,).

        Args:
            features: Features of the answers, (N, F).
            models: The model of each answer.
            priors: The scorer's score of each model for the query, in [0, 1], (N,).
        """
        odds = log_odds(priors)
        columns = {model_id: column for column, model_id in enumerate(self.model_ids)}
        rows = np.array([columns.get(model, len(columns)) for model in models], dtype=np.intp)
        share = np.where(rows < len(columns), 1.0, self.unknown_share)
        gain = np.clip(self.logits(features, rows, odds) - odds, -MAX_LOSS, MAX_GAIN)
        # Features that are no numbers say nothing.
        gain = np.where(np.isfinite(gain), gain, 0.0)
        scores: Floats = 1 / (1 + np.exp(-(odds + share * gain)))
        return scores

    def logits(self, features: Floats, rows: npt.NDArray[np.intp], odds: Floats) -> Floats:
        """Returns the logits of N answers by their models' rows; M is the model that is not known."""
        standard = np.clip((features - self.mean) / self.scale, -MAX_DEVIATION, MAX_DEVIATION)
        hidden_by_model = np.vstack([self.hidden_bias_by_model, np.zeros_like(self.hidden_bias)])
        linear_by_model = np.vstack([self.linear_by_model, np.zeros_like(self.linear)])
        hidden = standard @ self.input + odds[:, None] * self.prior_input
        hidden = np.maximum(hidden + self.hidden_bias + hidden_by_model[rows], 0.0)
        linear = standard @ self.linear + (standard * linear_by_model[rows]).sum(axis=1)
        logits: Floats = hidden @ self.output + linear + self.slope[rows] * odds + self.bias[rows]
        return logits


def log_odds(scores: Floats) -> Floats:
    """Returns the log odds of scores, which are clipped to [``MIN_SCORE``, 1 - ``MIN_SCORE``]."""
    clipped = np.clip(scores, MIN_SCORE, 1 - MIN_SCORE)
    odds: Floats = np.log(clipped) - np.log1p(-clipped)
    return odds
