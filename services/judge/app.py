"""Builds the judge: settings -> weights -> servicer."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from routemoa.v1 import judge_service_pb2, judge_service_pb2_grpc
from services.judge.servicer import JudgeServicer
from services.rpc.server import Service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.judge.config import JudgeServiceConfig

SERVICE_NAME = judge_service_pb2.DESCRIPTOR.services_by_name["JudgeService"].full_name


@asynccontextmanager
async def judge_app(config: JudgeServiceConfig) -> AsyncIterator[Service]:
    """Yields the judge, ready to serve."""
    servicer = JudgeServicer(config.weights)
    register = partial(judge_service_pb2_grpc.add_JudgeServiceServicer_to_server, servicer)
    yield Service(name=SERVICE_NAME, register=register)
