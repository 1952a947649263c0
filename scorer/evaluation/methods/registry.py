"""All methods that are compared, with their settings. Needs torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scorer.evaluation.methods.baselines import BestPerTask, BestSingle, Chance
from scorer.evaluation.methods.knn import NearestNeighbours
from scorer.evaluation.methods.linear import Linear
from scorer.evaluation.methods.matrix_factorization import MatrixFactorization
from scorer.evaluation.methods.mlp import Perceptron
from scorer.evaluation.methods.routemoa import RouteMoA
from scorer.evaluation.methods.routerdc import Recipe, RouterDC
from scorer.evaluation.methods.routerdc_tuned import TunedRouterDC

if TYPE_CHECKING:
    from scorer.evaluation.methods.method import Method

METHODS: tuple[Method, ...] = (
    Chance(),
    BestSingle(),
    BestPerTask(),
    NearestNeighbours(),
    Linear(),
    Perceptron(),
    MatrixFactorization(),
    RouterDC(
        name="routerdc_published",
        as_published=True,
        temperatures=(1.0,),
        learning_rates=(5e-5, 5e-4, 5e-3),
    ),
    # The default batch size of RouterDC's program: on validation parts it beats the published 16.
    RouterDC(
        recipe=Recipe(batch_size=64),
        temperatures=(0.05, 0.2, 1.0),
        learning_rates=(5e-4, 3e-3),
    ),
    RouteMoA(),
)
"""Methods that take seconds on cached embeddings."""

TUNING_METHODS: tuple[Method, ...] = (TunedRouterDC(),)
"""Methods that train the encoder and take minutes."""
