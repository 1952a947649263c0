"""Our own method: a mixture of response classes on embeddings and n-grams.

Needs torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from scorer.mixture.learner import Learner, LearnerConfig

if TYPE_CHECKING:
    from scorer.compare.dataset import Dataset, Queries
    from scorer.compare.methods.method import Floats
