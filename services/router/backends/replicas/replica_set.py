"""The replicas of one model: load balancing, and the budgets and latency that they share."""

from __future__ import annotations

import hashlib
import math
import random
import time
from typing import TYPE_CHECKING

from services.router.backends.replicas.config import IN_SERVICE, RETRY_SHARE
from services.router.backends.replicas.ejection import Ejection
from services.router.backends.replicas.first_token_latency import LatencyAverage, LatencyQuantile
from services.router.backends.replicas.metrics import EJECTED, REPLICA_CALLS, REPLICAS
from services.router.backends.replicas.replica import Replica
from services.router.backends.replicas.retry import REPLICA_FAILURES
from services.router.backends.replicas.retry_budget import RetryBudget
from services.router.types.ledger import CallStatus
from services.router.types.model_labels import MODEL_LABELS, ModelLabels

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from services.router.backends.replicas.config import ReplicaSettings, ReplicaTuning

_ANSWERED = frozenset({CallStatus.OK, CallStatus.REJECTED})
"""Statuses of a replica that works."""
_RETRY_FLOOR = 10
"""Retries that are allowed in half a minute however few calls there are."""
_MAX_LABELS = 16
"""Replicas with a metrics label of their own."""
_POOL_LABELS = ModelLabels()
"""The labels of the metrics that every model of the pool has, called or not."""
_CHANCE_DEVIATIONS, _SPARE_CALLS = 2.0, 2.0
"""Load above the average at which a replica is full for its sessions: what chance hardly brings. Calls
that fall on replicas at random have the average as their variance (Poisson)."""


class ReplicaSet:
    """The state of all replicas of one model."""

    def __init__(
        self,
        model_id: str,
        settings: ReplicaSettings,
        tuning: ReplicaTuning = IN_SERVICE,
        *,
        clock: Callable[[], float] = time.monotonic,
        draw: random.Random | None = None,
    ) -> None:
        self.model_id = model_id
        self.settings = settings
        self.tuning = tuning
        self.draw = draw or random.Random()  # noqa: S311  # spreads load, guards nothing
        self.replicas: tuple[Replica, ...] = ()
        self.retries = RetryBudget(share=RETRY_SHARE, floor=_RETRY_FLOOR, clock=clock)
        self.hedges = RetryBudget(share=settings.hedge_share, clock=clock)
        self._first_text = LatencyQuantile()
        self._metrics_label = _POOL_LABELS.label(model_id)
        self._shown_replicas = self._shown_ejected = 0
        self._clock = clock

    def update(self, urls: Collection[str]) -> None:
        """Replaces the list of replicas; those that stay keep their state."""
        wanted = dict.fromkeys(urls)
        kept = {replica.url: replica for replica in self.replicas if replica.url in wanted}
        taken = {replica.index for replica in kept.values()}
        free = (index for index in range(len(wanted)) if index not in taken)
        self.replicas = tuple(
            kept[url] if url in kept else self._new_replica(url, next(free)) for url in wanted
        )
        self._show()

    def forget(self) -> None:
        """Removes the metrics of a model that has left the pool."""
        self.replicas = ()
        self._show()
        if _POOL_LABELS.release(self.model_id):
            REPLICAS.remove(self.model_id)
            EJECTED.remove(self.model_id)

    def choose(
        self, *, session: str | None, tried: Collection[Replica], trials: bool = True
    ) -> Replica | None:
        """Returns the replica for the next attempt; None if all were tried.

        Args:
            session: The id of a conversation, so that its turns reach the same replica.
            tried: Replicas that this call has tried.
            trials: True if the call may be the trial of an ejected replica.
        """
        left = [replica for replica in self.replicas if replica not in tried]
        if not left:
            return None
        due = [replica for replica in left if replica.ejection.trial_due] if trials else []
        if due:
            due[0].ejection.begin_trial()
            return due[0]
        # If none is available, a paused or ejected replica is better than none.
        available = [replica for replica in left if replica.available] or left
        if session is not None:
            return replica_of_session(available, session)
        return least_loaded(available, self.draw)

    def has_others(self, tried: Collection[Replica]) -> bool:
        """Returns whether any replica is untried."""
        return any(replica not in tried for replica in self.replicas)

    def record_call(self) -> None:
        """Counts a call for the retry and hedge budgets."""
        self.retries.record_call()
        self.hedges.record_call()

    def report(self, replica: Replica, status: CallStatus | None) -> None:
        """Records the status of an attempt; None if the caller stopped waiting."""
        if status in REPLICA_FAILURES:
            replica.ejection.failed(may_eject=self._may_eject())
            self._show()
        elif status in _ANSWERED:
            replica.ejection.succeeded()
            self._show()
        name = "STOPPED" if status is None else status.name
        REPLICA_CALLS.labels(MODEL_LABELS.label(self.model_id), _label(replica.index), name).inc()

    def record_first_text(self, replica: Replica, after_s: float) -> None:
        """Records a time to first token."""
        if not replica.ejection.serves:
            replica.ejection.began()
            self._show()
        replica.latency.observe(after_s)
        self._first_text.observe(after_s)

    def record_silence(self, replica: Replica, waited_s: float) -> None:
        """Records an attempt that was given up before its first token.

        Its time to first token is at least the wait, so a wait above the known values counts as a
        sample; otherwise the slowest attempts would be missing. A shorter wait says nothing.
        """
        known_s = replica.latency.known
        if known_s is not None and waited_s > known_s:
            replica.latency.observe(waited_s)
        usual_s = self._first_text.value_s
        if usual_s is not None and waited_s > usual_s:
            self._first_text.observe(waited_s)

    @property
    def hedge_delay_s(self) -> float | None:
        """Time until a hedge is started; None if there is none."""
        if self.settings.hedge_share == 0 or len(self.replicas) < 2:
            return None
        usual_s = self._first_text.value_s
        return None if usual_s is None else max(usual_s, self.tuning.hedge_min_delay_s)

    @property
    def usual_silence_s(self) -> float | None:
        """Time within which 95 % of the calls begin, hedges included; None while it is unknown."""
        usual_s = self._first_text.value_s
        if usual_s is None:
            return None
        return max(usual_s, self.tuning.hedge_min_delay_s) + (self.hedge_delay_s or 0.0)

    def _may_eject(self) -> bool:
        return self._ejected() + 1 <= self.tuning.ejection.max_share * len(self.replicas)

    def _new_replica(self, url: str, index: int) -> Replica:
        return Replica(
            url=url,
            index=index,
            ejection=Ejection(
                settings=self.tuning.ejection, clock=self._clock, draw=self.draw.random
            ),
            latency=LatencyAverage(clock=self._clock),
            clock=self._clock,
        )

    def _show(self) -> None:
        replicas, ejected = len(self.replicas), self._ejected()
        if self._metrics_label == self.model_id:
            REPLICAS.labels(self.model_id).set(replicas)
            EJECTED.labels(self.model_id).set(ejected)
        else:  # models that share a label are added up
            REPLICAS.labels(self._metrics_label).inc(replicas - self._shown_replicas)
            EJECTED.labels(self._metrics_label).inc(ejected - self._shown_ejected)
        self._shown_replicas, self._shown_ejected = replicas, ejected

    def _ejected(self) -> int:
        return sum(not replica.ejection.serves for replica in self.replicas)


def _label(index: int) -> str:
    """Returns the metrics label of a replica; bounded, however many replicas there are."""
    return str(index) if index < _MAX_LABELS else "more"


def least_loaded(replicas: Sequence[Replica], draw: random.Random) -> Replica:
    """Returns the better of two random replicas: fewer calls in flight, faster first token.

    The power of two choices: picking the best of all would send every router to the same replica.
    """
    if len(replicas) == 1:
        return replicas[0]
    expected_s = [replica.latency.expected_s for replica in replicas]
    known = [seconds for seconds in expected_s if seconds is not None]
    usual_s = sum(known) / len(known) if known else 1.0

    def load(index: int) -> float:
        seconds = expected_s[index]
        return (replicas[index].in_flight + 1) * (usual_s if seconds is None else seconds)

    first, second = draw.sample(range(len(replicas)), 2)
    return replicas[min(first, second, key=load)]


def replica_of_session(replicas: Sequence[Replica], session: str) -> Replica:
    """Returns the replica of a session; the next in the session's order if that one is full.

    Each session orders the replicas by rendezvous hashing, so only the sessions of a replica that
    comes or goes move. With an average load m, this call included, a replica is full at m + 2 √m + 2.
    """
    average = (sum(replica.in_flight for replica in replicas) + 1) / len(replicas)
    full = average + _CHANCE_DEVIATIONS * math.sqrt(average) + _SPARE_CALLS
    order = sorted(replicas, key=lambda replica: _weight(session, replica.url), reverse=True)
    return next((replica for replica in order if replica.in_flight < full), order[0])


def _weight(session: str, url: str) -> bytes:
    return hashlib.blake2b(f"{session}\0{url}".encode(), digest_size=8).digest()
