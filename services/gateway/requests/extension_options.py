"""Joins what RouteMoA adds to every API with the request of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.gateway.extension import read_extension
from services.gateway.models import MIXTURE, SINGLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from routemoa.v1 import router_service_pb2 as pb
    from services.gateway.fields import Problems


def extend(
    request: pb.StreamAnswerRequest,
    body: Mapping[str, Any],
    headers: Mapping[str, str],
    problems: Problems,
) -> None:
    """Adds the extension's policy and options, which come before those of the API.

    Clients ask for reasoning by habit. A mixture has none to show: there the wish is left out.
    """
    extension = read_extension(body, headers, problems)
    request.policy.CopyFrom(extension.policy)
    if not _is_single(body.get("model"), request.policy.strategy):
        request.options.include_reasoning = False
    request.options.MergeFrom(extension.options)


def _is_single(model: object, strategy: str) -> bool:
    """Returns whether one model answers alone; a name that is no mixture's is a model's."""
    name = str(model)
    if strategy or name == MIXTURE:
        return strategy == SINGLE
    suffix = name.removeprefix(f"{MIXTURE}/")
    return suffix in (name, SINGLE)
