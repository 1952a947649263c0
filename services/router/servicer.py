"""Proto in, proto out; no logic."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, TypeVar, cast

from routemoa.errors import InternalError
from routemoa.v1 import router_service_pb2 as pb
from routemoa.v1 import router_service_pb2_grpc
from services.router.budgets.tenants import ANONYMOUS
from services.router.contract.conversations import read_conversation
from services.router.contract.feedback import read_feedback
from services.router.contract.pages import read_page
from services.router.contract.policies import read_policy
from services.router.contract.request_options import read_options
from services.router.contract.responses import (
    event_message,
    fallback_message,
    info_message,
    model_message,
    ranking_messages,
    result_message,
    stop_reason,
)
from services.router.contract.views import read_view
from services.router.repeats.request_identity import request_identity
from services.router.routing.events import Result
from services.router.types.deadline import DEADLINE_MARGIN_S, Deadline
from services.rpc.validation import Violations

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from google.protobuf.message import Message as ProtoMessage

    from services.router.budgets.accounts import Accounts
    from services.router.budgets.tenants import Tenant
    from services.router.decision_records.recorder import Recorder
    from services.router.feedback.intake import FeedbackIntake
    from services.router.pipeline import Pipeline
    from services.router.repeats.repeats import Repeats
    from services.router.routing.events import Event
    from services.router.routing.policy import Policy
    from services.router.routing.presets import PolicyDefaults
    from services.router.types.conversation import Conversation
    from services.rpc.interceptors.call import Context

ResponseT = TypeVar("ResponseT", bound="ProtoMessage")
LONGEST_DEADLINE = 5
"""Deadlines are cut to so many times the timeout of calls without one: a call holds a place among the
calls in flight, and its tenant's reservations, until its deadline."""


class RouterServicer(router_service_pb2_grpc.RouterServiceServicer):
    """Serves `routemoa.v1.RouterService`."""

    def __init__(
        self,
        pipeline: Pipeline,
        accounts: Accounts,
        recorder: Recorder,
        defaults: PolicyDefaults,
        *,
        repeats: Repeats,
        feedback: FeedbackIntake,
        default_timeout_s: float,
        deadline_margin_s: float = DEADLINE_MARGIN_S,
    ) -> None:
        self._pipeline = pipeline
        self._accounts = accounts
        self._recorder = recorder
        self._defaults = defaults
        self._repeats = repeats
        self._feedback = feedback
        self._default_timeout_s = default_timeout_s
        self._longest_s = LONGEST_DEADLINE * default_timeout_s
        self._deadline_margin_s = deadline_margin_s

    def use(self, pipeline: Pipeline) -> None:
        """Answers calls from now on with another pipeline; those in flight keep theirs."""
        self._pipeline = pipeline

    async def RouteQuery(
        self, request: pb.RouteQueryRequest, context: Context
    ) -> pb.RouteQueryResponse:
        """Decides one layer and calls no model."""
        tenant = self._accounts.tenant_of(context.invocation_metadata())
        pipeline = self._pipeline
        pool = pipeline.pool
        violations = Violations()
        policy = read_policy(request.policy, self._defaults, pool, violations)
        conversation = _conversation(request, policy, tenant, violations)
        view = read_view(request, violations)
        for number, score in enumerate(request.posterior_scores):
            field = f"posterior_scores[{number}]"
            violations.within(f"{field}.score", score.score, 0, 1)
            if score.model_id not in pool.by_id:
                violations.add(f"{field}.model_id", "is not in the pool")
        violations.raise_if_any()
        pipeline.check(conversation, policy)
        posteriors = {score.model_id: score.score for score in request.posterior_scores}
        run = pipeline.start(conversation, policy, self._deadline(context))
        ranked, selection = await pipeline.route(run, posteriors)
        return pb.RouteQueryResponse(
            selected_model_ids=selection.model_ids,
            ranked_models=ranking_messages(ranked, selection.reasons, selection.model_ids, view),
            uncertainty=run.forecast.uncertainty,
            stop_reason=stop_reason(selection.stop_reason),
            fallbacks=[fallback_message(fallback) for fallback in run.fallbacks],
        )

    async def GenerateAnswer(
        self, request: pb.GenerateAnswerRequest, context: Context
    ) -> pb.GenerateAnswerResponse:
        """Runs the layers and returns the result."""
        violations = Violations()

        async def start() -> AsyncGenerator[pb.GenerateAnswerResponse, None]:
            async with aclosing(self._answer(request, context, violations)) as events:
                async for event in events:
                    if isinstance(event, Result):
                        yield result_message(event)

        kind = pb.GenerateAnswerResponse
        async with aclosing(self._once(request, context, kind, start)) as responses:
            async for response in responses:
                return response
        message = "the pipeline ended without a result"
        raise InternalError(message)

    def StreamAnswer(
        self, request: pb.StreamAnswerRequest, context: Context
    ) -> AsyncGenerator[pb.StreamAnswerResponse, None]:
        """Runs the layers and streams what happens."""
        violations = Violations()
        view = read_view(request, violations)

        async def start() -> AsyncGenerator[pb.StreamAnswerResponse, None]:
            async with aclosing(self._answer(request, context, violations)) as events:
                async for event in events:
                    yield event_message(event, view)

        return self._once(request, context, pb.StreamAnswerResponse, start)

    async def GetRouterInfo(
        self, request: pb.GetRouterInfoRequest, context: Context
    ) -> pb.GetRouterInfoResponse:
        """Describes strategies, presets, limits and what the models can do."""
        del request
        self._accounts.tenant_of(context.invocation_metadata())
        pool = self._pipeline.pool
        return info_message(pool, self._defaults.strategy, max_duration_s=self._longest_s)

    async def ListModels(
        self,
        request: pb.ListModelsRequest,
        context: Context,
    ) -> pb.ListModelsResponse:
        """Lists a page of the pool."""
        self._accounts.tenant_of(context.invocation_metadata())
        pool = self._pipeline.pool
        ids, next_page_token = read_page(request, pool)
        return pb.ListModelsResponse(
            models=[model_message(pool.by_id[model_id]) for model_id in ids],
            next_page_token=next_page_token,
        )

    async def RecordFeedback(
        self, request: pb.RecordFeedbackRequest, context: Context
    ) -> pb.RecordFeedbackResponse:
        """Takes in feedback on an answer."""
        tenant = self._accounts.tenant_of(context.invocation_metadata())
        evidence = read_feedback(request, self._pipeline.pool)
        repeated = await self._feedback.take(evidence, _name(tenant))
        return pb.RecordFeedbackResponse(already_recorded=repeated)

    def _once(
        self,
        request: pb.GenerateAnswerRequest | pb.StreamAnswerRequest,
        context: Context,
        kind: type[ResponseT],
        start: Callable[[], AsyncGenerator[ResponseT, None]],
    ) -> AsyncGenerator[ResponseT, None]:
        """Returns the responses to a request: of a new call, or of the one with the same request id."""
        if not request.request_id:
            return start()
        tenant = self._accounts.tenant_of(context.invocation_metadata())
        identity = request_identity(
            request.request_id, request, tenant, method=kind.DESCRIPTOR.name
        )
        return self._repeats.responses(identity, kind, start)

    def _answer(
        self,
        request: pb.GenerateAnswerRequest | pb.StreamAnswerRequest,
        context: Context,
        violations: Violations,
    ) -> AsyncGenerator[Event, None]:
        pipeline = self._pipeline
        tenant = self._accounts.tenant_of(context.invocation_metadata())
        policy = read_policy(request.policy, self._defaults, pipeline.pool, violations)
        conversation = _conversation(request, policy, tenant, violations)
        violations.raise_if_any()
        pipeline.check(conversation, policy)
        deadline = self._deadline(context)
        account = self._accounts.open(tenant, policy.caps, deadline)
        run = pipeline.start(conversation, policy, deadline, account)
        return self._recorder.watch(run, pipeline.answer(run), tenant=_name(tenant))

    def _deadline(self, context: Context) -> Deadline:
        remaining_s = cast("float | None", context.time_remaining())  # None: no deadline was set
        if remaining_s is None:
            remaining_s = self._default_timeout_s
        remaining_s = min(remaining_s, self._longest_s)
        return Deadline.after(remaining_s - self._deadline_margin_s)


def _name(tenant: Tenant) -> str | None:
    """Returns the name of a tenant in records; None if there are no tenants."""
    return None if tenant is ANONYMOUS else tenant.id


def _conversation(
    request: pb.RouteQueryRequest | pb.GenerateAnswerRequest | pb.StreamAnswerRequest,
    policy: Policy,
    tenant: Tenant,
    violations: Violations,
) -> Conversation:
    options = read_options(request.options, policy.strategy, violations)
    return read_conversation(
        request.messages, violations, cache_salt=tenant.cache_salt, options=options
    )
