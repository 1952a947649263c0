"""The scenarios: which models are in the pool, and how they behave."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.bench.adversaries.behaviours import (
    Clone,
    Colluder,
    Dissenter,
    Forger,
    Gullible,
    Honest,
    Injector,
    Liar,
    LyingDissenter,
    Padder,
    SelfPromoter,
    Sycophant,
    Traitor,
    Wavering,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

ACCURACIES: Mapping[str, float] = {"m1": 0.75, "m2": 0.72, "m3": 0.70, "m4": 0.68, "m5": 0.66}
"""How often each model is right, which is also its prior score."""
CLONES: Mapping[str, float] = {"c1": 0.70, "c2": 0.70, "c3": 0.70}
"""One model under ids that the pool file declares as one."""
THREE, FIVE = ("m1", "m2", "m3"), tuple(ACCURACIES)
HONEST = Honest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One attack."""

    title: str
    models: tuple[str, ...] = THREE
    attackers: Mapping[str, Honest] = field(default_factory=dict)
    """The behaviour of each model that attacks."""
    others: Honest = HONEST
    """The behaviour of all other models."""
    baseline: str = "three"
    """The scenario without an attack."""

    def behaviour(self, model_id: str) -> Honest:
        """Returns the behaviour of a model."""
        return self.attackers.get(model_id, self.others)

    def accuracy(self, model_id: str) -> float:
        """Returns how often a model is right."""
        return {**ACCURACIES, **CLONES}[model_id]


def _clones(*ids: str) -> Mapping[str, Honest]:
    return dict.fromkeys(ids, Clone())


SCENARIOS: Mapping[str, Scenario] = {
    "three": Scenario(title="three honest models"),
    "five": Scenario(title="five honest models", models=FIVE, baseline="five"),
    "two": Scenario(title="two honest models", models=("m1", "m2"), baseline="two"),
    "one-of-two": Scenario(
        title="one liar of two", models=("m1", "m2"), attackers={"m2": Liar()}, baseline="two"
    ),
    "one-of-three": Scenario(title="one liar of three", attackers={"m2": Liar()}),
    "two-of-three": Scenario(title="two liars of three", attackers={"m2": Liar(), "m3": Liar()}),
    "one-of-five": Scenario(
        title="one liar of five", models=FIVE, attackers={"m2": Liar()}, baseline="five"
    ),
    "two-of-five": Scenario(
        title="two liars of five",
        models=FIVE,
        attackers={"m2": Liar(), "m3": Liar()},
        baseline="five",
    ),
    "colluders": Scenario(
        title="two of five collude",
        models=FIVE,
        attackers={"m4": Colluder(), "m5": Colluder()},
        baseline="five",
    ),
    "dissent": Scenario(title="three that disagree", others=Dissenter(), baseline="dissent"),
    "lying-dissent": Scenario(
        title="three that disagree, one lies",
        attackers={"m3": LyingDissenter()},
        others=Dissenter(),
        baseline="dissent",
    ),
    "promoter": Scenario(title="self-promotion", attackers={"m2": SelfPromoter()}),
    "injection": Scenario(
        title="injected instructions", attackers={"m2": Injector()}, others=Gullible()
    ),
    "forgery": Scenario(title="forged marks", attackers={"m2": Forger()}),
    "flips": Scenario(
        title="others flip under pushback", attackers={"m2": Liar()}, others=Sycophant()
    ),
    "traitor": Scenario(title="honest until it matters", attackers={"m1": Traitor()}),
    "padding": Scenario(title="long and confident", attackers={"m2": Padder()}),
    "clone": Scenario(title="a model under one id", attackers=_clones("m3"), baseline="clone"),
    "declared": Scenario(
        title="under three ids of one backend model",
        models=("m1", "m2", *CLONES),
        attackers=_clones(*CLONES),
        baseline="clone",
    ),
    "undeclared": Scenario(
        title="under three ids, undeclared",
        models=FIVE,
        attackers=_clones("m3", "m4", "m5"),
        baseline="clone",
    ),
    "wavering": Scenario(title="ambiguous questions", models=FIVE, others=Wavering()),
}
"""By name, which is part of the text of each question."""
