"""The example pools behind the real services, with simulated models in place of their backends."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from routemoa import RouteMoAClient
from routemoa.v1 import router_service_pb2 as pb
from services.router.app import router_app
from services.router.config import RouterServiceConfig
from services.router.model_priors.matching import ScorerModels
from services.simulator import running_simulator
from tests.conftest import LOOPBACK
from tests.scripted_answers import ScriptedAnswers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scorer import Runtime
    from tests.conftest import Serve

DEPLOY = Path(__file__).parents[2] / "deploy"
EXAMPLES = sorted(
    [
        *DEPLOY.glob("pools/*.yaml"),
        *DEPLOY.glob("k8s/examples/pool*.yaml"),
        *DEPLOY.glob("docker/pool/*.yaml"),
    ]
)
UNKNOWN_MODELS = pb.Fallback(
    dependency=pb.DEPENDENCY_SCORER,
    reason=pb.FALLBACK_REASON_UNKNOWN_MODELS,
    substitute=pb.SUBSTITUTE_MEAN_PRIOR,
)


def unscored(models: Sequence[dict[str, Any]], runtime: Runtime) -> list[str]:
    """Returns the models of a pool file that neither it nor the scorer gives a score."""
    known = set(runtime.artifact.manifest.model_ids)
    return [m["id"] for m in models if "prior_score" not in m and m["id"] not in known]


def test_the_examples_are_pools_that_the_scorer_knows_in_part_wholly_and_not_at_all(
    scorer_runtime: Runtime,
) -> None:
    shares = set()
    for path in EXAMPLES:
        models = yaml.safe_load(path.read_text())["models"]
        shares.add(len(unscored(models, scorer_runtime)) / len(models))
    assert {0.0, 1.0} < shares


@pytest.fixture
def addresses(scorer_address: str, judge_address: str) -> Mapping[str, str]:
    return {"scorer_address": scorer_address, "judge_address": judge_address}


@pytest.mark.parametrize(
    "pool",
    [
        pytest.param(yaml.safe_load(path.read_text()), id=str(path.relative_to(DEPLOY)))
        for path in EXAMPLES
    ],
)
async def test_an_example_pool_answers_and_says_that_scores_are_substitutes(
    pool: dict[str, Any],
    serve: Serve,
    addresses: Mapping[str, Any],
    scorer_runtime: Runtime,
    tmp_path: Path,
) -> None:
    names = [model.get("backend_model", model["id"]) for model in pool["models"]]
    async with running_simulator(ScriptedAnswers(dict.fromkeys(names, "Eight."))) as simulator:
        for model in pool["models"]:
            model["url"] = simulator.url
        (tmp_path / "pool.yaml").write_text(yaml.safe_dump(pool))
        config = RouterServiceConfig(
            listen_address=LOOPBACK, pool_file=tmp_path / "pool.yaml", **addresses
        )
        address = await serve(config, router_app(config))
        async with RouteMoAClient(address) as client:
            result = await client.answer("How many legs has a spider?", timeout_s=30)
    assert result.answer.text == "Eight."
    unknown = unscored(pool["models"], scorer_runtime)
    assert list(result.fallbacks) == ([UNKNOWN_MODELS] if unknown else [])
    scorer = ScorerModels(scorer_runtime.artifact.manifest.model_ids)
    known = [name for name in names if scorer.find((name,)) is not None]
    assert result.HasField("uncertainty") == bool(known)
