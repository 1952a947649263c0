"""`helm test`: ranks a query, assesses an answer and lists the router's models, through the services.

Only services that are named are called. Exits with 1 and says what failed. It calls no model, so it
costs nothing.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import grpc

from routemoa.v1 import (
    judge_service_pb2,
    judge_service_pb2_grpc,
    model_pb2,
    router_service_pb2,
    router_service_pb2_grpc,
    scorer_service_pb2,
    scorer_service_pb2_grpc,
)

_TIMEOUT_S = 10.0
_OPTIONS = (("grpc.enable_http_proxy", 0),)


def channel(address: str, tls_directory: Path | None) -> grpc.Channel:
    """Returns a channel in plain text, or over TLS with the files of a certificate's Secret."""
    if tls_directory is None:
        return grpc.insecure_channel(address, _OPTIONS)
    ca, key, certificate = (
        (tls_directory / name).read_bytes() for name in ("ca.crt", "tls.key", "tls.crt")
    )
    return grpc.secure_channel(
        address, grpc.ssl_channel_credentials(ca, key, certificate), _OPTIONS
    )


def check_scorer(scorer: grpc.Channel) -> str:
    """Ranks a query; returns what came of it."""
    request = scorer_service_pb2.RankModelsRequest(query="What is the boiling point of water?")
    stub = scorer_service_pb2_grpc.ScorerServiceStub(scorer)
    scores = stub.RankModels(request, timeout=_TIMEOUT_S, wait_for_ready=True).model_scores
    if not scores:
        raise ValueError("the scorer ranked no models")
    return f"scorer: {len(scores)} models ranked, {scores[0].model_id} first"


def check_judge(judge: grpc.Channel) -> str:
    """Has one answer assessed; returns what came of it."""
    request = judge_service_pb2.AssessAnswersRequest(
        answers=[model_pb2.Answer(model_id="a", self_score=0.9)],
        prior_scores=[model_pb2.ModelScore(model_id="a", score=0.5)],
    )
    stub = judge_service_pb2_grpc.JudgeServiceStub(judge)
    assessments = stub.AssessAnswers(request, timeout=_TIMEOUT_S, wait_for_ready=True).assessments
    score = assessments[0].posterior_score
    if not 0.5 < score < 0.9:
        raise ValueError(f"the judge fused 0.5 and 0.9 to {score}")
    return f"judge: prior 0.5 and self-score 0.9 fused to {score:.2f}"


def check_router(router: grpc.Channel) -> str:
    """Lists the pool; returns what came of it."""
    request = router_service_pb2.ListModelsRequest()
    stub = router_service_pb2_grpc.RouterServiceStub(router)
    models = stub.ListModels(request, timeout=_TIMEOUT_S, wait_for_ready=True).models
    if not models:
        raise ValueError("the router has no models")
    return f"router: {len(models)} models in the pool"


def check_router_with_tenants(router: grpc.Channel) -> str:
    """Calls without a token; returns what came of it, which must be a refusal."""
    try:
        check_router(router)
    except grpc.RpcError as error:
        if error.code() is grpc.StatusCode.UNAUTHENTICATED:
            return "router: refuses a call without a token"
        raise
    raise ValueError("the router has tenants and answers a call without a token")


def main() -> int:
    """Makes the three calls; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("scorer", "router", "judge"):
        parser.add_argument(f"--{name}", metavar="host:port")
    parser.add_argument("--router-has-tenants", action="store_true")
    parser.add_argument("--tls-directory", type=Path)
    options = parser.parse_args()
    checks = (
        (options.scorer, check_scorer),
        (options.judge, check_judge),
        (options.router, check_router_with_tenants if options.router_has_tenants else check_router),
    )
    for address, check in checks:
        if address is None:
            continue
        try:
            with channel(address, options.tls_directory) as open_channel:
                sys.stdout.write(check(open_channel) + "\n")
        except grpc.RpcError as error:
            sys.stderr.write(f"{address}: {error.code().name}: {error.details()}\n")
            return 1
        except (ValueError, OSError) as error:
            sys.stderr.write(f"{address}: {error}\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
