"""Builds the judge: settings -> weights, records and answer scorer -> servicer."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from routemoa.v1 import judge_service_pb2, judge_service_pb2_grpc
from services.judge.answer_scorer import NO_ANSWER_SCORER, open_answer_scorer
from services.judge.records import NO_RECORDS, open_records
from services.judge.servicer import JudgeServicer
from services.rpc.server import Service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.judge.answer_scorer import AnswerScorer
    from services.judge.config import JudgeServiceConfig

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
"""Largest request: two layers of 64 answers of 20,000 characters each, most of them ASCII."""
SERVICE_NAME = judge_service_pb2.DESCRIPTOR.services_by_name["JudgeService"].full_name


@asynccontextmanager
async def judge_app(config: JudgeServiceConfig) -> AsyncIterator[Service]:
    """Yields the judge, ready to serve.

    Raises:
        StartUpError: The answer scorer is not usable.
    """
    async with AsyncExitStack() as stack:
        answer_scorer: AnswerScorer = NO_ANSWER_SCORER
        if config.answer_artifact is not None:
            opening = open_answer_scorer(config.answer_artifact)
            answer_scorer = await stack.enter_async_context(opening)
        records = NO_RECORDS
        if config.belief_file is not None:
            records = await stack.enter_async_context(open_records(config.belief_file))
        servicer = JudgeServicer(config.weights, answer_scorer, records)
        register = partial(judge_service_pb2_grpc.add_JudgeServiceServicer_to_server, servicer)
        yield Service(name=SERVICE_NAME, register=register, max_message_bytes=MAX_MESSAGE_BYTES)
