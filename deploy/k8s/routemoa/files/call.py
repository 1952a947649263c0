"""`helm test`: ranks a query, assesses an answer and lists models, through the services.

Only services that are named are called. Exits with 1 and says what failed. It calls no model, so it
costs nothing.
"""

from __future__ import annotations

import argparse
import http
import http.client
import json
import ssl
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from collections.abc import Callable

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
    """Has two answers assessed, of which one grades the other; returns what came of it."""
    grade = model_pb2.Grade(model_id="a", score=0.9)
    request = judge_service_pb2.AssessAnswersRequest(
        answers=[model_pb2.Answer(model_id="b", grades=[grade])],
        previous_answers=[model_pb2.Answer(model_id="a")],
        prior_scores=[model_pb2.ModelScore(model_id=name, score=0.5) for name in "ab"],
    )
    stub = judge_service_pb2_grpc.JudgeServiceStub(judge)
    assessments = stub.AssessAnswers(request, timeout=_TIMEOUT_S, wait_for_ready=True).assessments
    score = assessments[0].posterior_score
    if not 0.5 < score < 0.9:
        raise ValueError(f"the judge makes {score} of the prior 0.5 and the grade 0.9")
    return f"judge: prior 0.5 and grade 0.9 make {score:.2f}"


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


def over_grpc(
    check: Callable[[grpc.Channel], str], address: str, tls_directory: Path | None
) -> str:
    """Checks a service over a channel of its own; returns what came of it."""
    with channel(address, tls_directory) as opened:
        return check(opened)


def gateway_models(address: str, tls_directory: Path | None) -> tuple[int, list[str]]:
    """Asks a gateway for its models, without a key; returns the HTTP status and the names."""
    connection = http.client.HTTPConnection(address, timeout=_TIMEOUT_S)
    if tls_directory is not None:
        trusting = ssl.create_default_context(cafile=tls_directory / "ca.crt")
        trusting.load_cert_chain(tls_directory / "tls.crt", tls_directory / "tls.key")
        connection = http.client.HTTPSConnection(address, timeout=_TIMEOUT_S, context=trusting)
    try:
        connection.request("GET", "/v1/models")
        response = connection.getresponse()
        models = json.loads(response.read()).get("data", [])
    finally:
        connection.close()
    return response.status, [model["id"] for model in models]


def check_gateway(expected: set[int], address: str, tls_directory: Path | None) -> str:
    """Lists the names of models over HTTP; returns what came of it."""
    status, names = gateway_models(address, tls_directory)
    if status not in expected:
        raise ValueError(f"the gateway answers a request without a key with {status}")
    if status == http.HTTPStatus.UNAUTHORIZED:
        return "gateway: refuses a request without a key"
    if "routemoa" not in names:
        raise ValueError("the gateway does not list the model `routemoa`")
    return f"gateway: {len(names)} names of models"


def gateway_statuses(options: argparse.Namespace) -> set[int]:
    """Returns the HTTP statuses that are right for a request without a key."""
    if options.router_has_tenants:
        return {http.HTTPStatus.UNAUTHORIZED}
    if options.router:
        return {http.HTTPStatus.OK}
    return {http.HTTPStatus.OK, http.HTTPStatus.UNAUTHORIZED}


def parsed_options() -> argparse.Namespace:
    """Returns the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("scorer", "router", "judge", "gateway"):
        parser.add_argument(f"--{name}", metavar="host:port")
    parser.add_argument("--router-has-tenants", action="store_true")
    parser.add_argument("--tls-directory", type=Path)
    return parser.parse_args()


def main() -> int:
    """Calls the services; returns the exit status."""
    options = parsed_options()
    of_router = check_router_with_tenants if options.router_has_tenants else check_router
    checks = (
        (options.scorer, partial(over_grpc, check_scorer)),
        (options.judge, partial(over_grpc, check_judge)),
        (options.router, partial(over_grpc, of_router)),
        (options.gateway, partial(check_gateway, gateway_statuses(options))),
    )
    for address, check in checks:
        if address is None:
            continue
        try:
            sys.stdout.write(check(address, options.tls_directory) + "\n")
        except grpc.RpcError as error:
            sys.stderr.write(f"{address}: {error.code().name}: {error.details()}\n")
            return 1
        except (ValueError, OSError, http.client.HTTPException) as error:
            sys.stderr.write(f"{address}: {error}\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
