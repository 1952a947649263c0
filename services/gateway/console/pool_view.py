"""The pool, as the page shows it: the models, the router's description, the health of replicas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf.json_format import MessageToDict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from routemoa.v1 import model_pb2
    from routemoa.v1 import router_service_pb2 as pb
    from services.gateway.console.replica_health import ReplicaHealth


def pool_view(
    models: Iterable[model_pb2.Model],
    info: pb.GetRouterInfoResponse,
    health: Mapping[str, ReplicaHealth],
) -> dict[str, Any]:
    """Returns `models` and `info` in the JSON form of the contract, and `health` by model.

    Args:
        models: The pool.
        info: The router's description of itself.
        health: The health of the models' replicas; empty if it is not known.
    """
    listed = list(models)
    ids = {model.model_id for model in listed}
    return {
        "models": [MessageToDict(model) for model in listed],
        "info": MessageToDict(info),
        # Of this caller's models alone: the metrics know the whole pool.
        "health": {name: each.as_json() for name, each in health.items() if name in ids},
    }
