"""Checks feedback, and puts it into its buffer. No call waits for a write."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from routemoa.errors import (
    DecisionNotFoundError,
    FeedbackDisabledError,
    FeedbackLimitError,
    RouteMoAError,
)
from services.router.decision_records.feedback_record import FeedbackRecord, feedback_line
from services.router.feedback.metrics import FEEDBACK
from services.router.feedback.tenant_rate import TenantRate
from services.rpc.validation import Violations

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.router.decision_records.record_store import RecordStore
    from services.router.feedback.evidence import Evidence
    from services.router.values.values import Values

MAX_AGE = timedelta(days=30)
"""Age of a decision from which on it takes no feedback; the contract names it."""
_KEPT_S = 600.0
"""Time for which other content under a known feedback id is refused; the contract names it."""
_TENANT_SHARE = 0.25
"""The part of the buffer that one tenant may fill while the sink is down."""
_UNIT_BYTES = 1024
_FULL_RETRY_S = 5.0
"""The buffer tries a sink that is down every 5 s."""


class FeedbackIntake:
    """Takes in the feedback of all tenants.

    Args:
        store: The buffer of feedback.
        missing_settings: The settings without which the store keeps no feedback.
        seen: Remembers the feedback of the last minutes.
        rate: The most that a tenant may send.
        now: Returns the time in UTC.
    """

    def __init__(
        self,
        store: RecordStore,
        missing_settings: tuple[str, ...],
        seen: Values,
        *,
        rate: TenantRate | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._missing_settings = missing_settings
        self._seen = seen
        self._rate = rate or TenantRate()
        self._now = now

    async def take(self, evidence: Evidence, tenant: str | None) -> bool:
        """Takes in feedback; returns True if the same one was taken in before.

        Raises:
            FeedbackDisabledError: The settings keep no feedback, or nothing that it says.
            DecisionNotFoundError: The decision is not the tenant's, or is too old.
            FeedbackLimitError: The tenant sends too much, or the buffer is full.
            InvalidFieldError: The feedback id names another feedback of the decision.
        """
        try:
            repeated = await self._take(evidence, tenant)
        except RouteMoAError as error:
            outcome = error.reason.removeprefix("ERROR_REASON_").lower()
            FEEDBACK.labels(evidence.source.value, outcome).inc()
            raise
        FEEDBACK.labels(evidence.source.value, "repeated" if repeated else "recorded").inc()
        return repeated

    async def _take(self, evidence: Evidence, tenant: str | None) -> bool:
        buffer, now = self._store.feedback, self._now()
        if buffer is None:
            raise _disabled(self._missing_settings)
        line = feedback_line(self._record(evidence, tenant, now))
        wait_s = self._rate.take(tenant, 1 + len(line.json) / _UNIT_BYTES)
        if wait_s:
            raise FeedbackLimitError("too much feedback", retry_delay_s=wait_s)
        started = self._store.ids.started(evidence.decision_id, tenant)
        if started is None or now - started > MAX_AGE:
            raise _not_found()
        known = await self._seen.get(evidence.key)
        if known == evidence.fingerprint:
            return True
        if known is not None:
            violations = Violations()
            violations.add("feedback_id", "names another feedback of the decision")
            violations.raise_if_any()
        if not buffer.offer(line, tenant_share=_TENANT_SHARE):
            message = "feedback cannot be written at present"
            raise FeedbackLimitError(message, retry_delay_s=_FULL_RETRY_S)
        self._seen.put(evidence.key, evidence.fingerprint, _KEPT_S)
        return False

    def _record(self, evidence: Evidence, tenant: str | None, now: datetime) -> FeedbackRecord:
        """Returns the record of feedback, with texts only if records hold texts.

        Raises:
            FeedbackDisabledError: The text is all that it says, and records hold none.
        """
        text = self._store.redaction.text(evidence.better_answer)
        if evidence.score is None and evidence.preferred_model_id is None and text is None:
            raise _disabled(("records_keep_text",))
        return FeedbackRecord(
            feedback_id=evidence.feedback_id,
            decision_id=evidence.decision_id,
            time=now,
            tenant=tenant,
            source=evidence.source,
            score=evidence.score,
            preferred_model_id=evidence.preferred_model_id,
            better_answer=text,
        )


def _disabled(settings: tuple[str, ...]) -> FeedbackDisabledError:
    message = f"the router keeps no such feedback; it needs {' and '.join(settings)}"
    return FeedbackDisabledError(message, {"settings": ",".join(settings)})


def _not_found() -> DecisionNotFoundError:
    message = f"the decision is none of yours, or older than {MAX_AGE.days} days"
    return DecisionNotFoundError(message, {"max_age_days": str(MAX_AGE.days)})
