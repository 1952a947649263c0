"""The models of all scenarios as one backend, and their pool file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from services.simulator.call import Reply
from tests.bench.adversaries.behaviours import Turn, most_common, said_letter
from tests.bench.adversaries.questions import scenario_and_number
from tests.bench.adversaries.scenarios import ACCURACIES, CLONES, SCENARIOS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.simulator.call import Call

PRIORS = {**ACCURACIES, **CLONES}


class Players:
    """Answers each call as the model behaves in the scenario that the question names."""

    @property
    def models(self) -> Sequence[str]:
        """The models of all scenarios."""
        return (*PRIORS, "clone")

    def reply(self, call: Call) -> Reply:
        """Returns the reply."""
        name, number = scenario_and_number(call.query)
        scenario = SCENARIOS[name]
        model_id = call.model if call.model in PRIORS else "c1"
        turn = Turn(call=call, accuracy=scenario.accuracy(model_id), number=number)
        return Reply(text=scenario.behaviour(model_id).reply(turn))


def pool_yaml(url: str) -> str:
    """Returns the pool file; prices and times are equal, so that they decide nothing."""
    models = [
        {
            "id": model_id,
            "url": url,
            **({"backend_model": "clone"} if model_id in CLONES else {}),
            "prompt_price_usd_per_million_tokens": 1.0,
            "completion_price_usd_per_million_tokens": 2.0,
            "context_window_tokens": 32768,
            "expected_reply_tokens": 40,
            "median_latency_s": 1.0,
            "prior_score": prior,
        }
        for model_id, prior in PRIORS.items()
    ]
    return yaml.safe_dump({"models": models}, sort_keys=False)


def vote(texts: Sequence[str]) -> str | None:
    """Returns the letter that most answers end in; of equals, the first one."""
    letters = [letter for text in texts if (letter := said_letter(text)) is not None]
    return most_common(letters) if letters else None
