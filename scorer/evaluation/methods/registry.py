"""Every method by its name, with the settings it is compared with. Needs torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scorer.evaluation.methods.best_model import BestPerTask, BestSingle
from scorer.evaluation.methods.chance import Chance
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
    # The program's default batch: on validation parts it does better than the published 16.
    RouterDC(
        recipe=Recipe(batch_size=64),
        temperatures=(0.05, 0.2, 1.0),
        learning_rates=(5e-4, 3e-3),
    ),
    RouteMoA(name="routemoa_ngrams"),
)
"""Those that take seconds on cached embeddings."""

TUNING_METHODS: tuple[Method, ...] = (TunedRouterDC(),)
"""Those that train the encoder and take minutes."""
