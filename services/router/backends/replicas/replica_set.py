"""The replicas of one model, and what its calls share: extra attempts allowed, time to first text."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from services.router.backends.replicas.ejection import Ejection
from services.router.backends.replicas.first_token_latency import LatencyAverage, LatencyQuantile
from services.router.backends.replicas.load_balancing import least_loaded, of_session
from services.router.backends.replicas.metrics import EJECTED, REPLICA_CALLS, REPLICAS, place_label
from services.router.backends.replicas.replica import Replica
from services.router.backends.replicas.retry import REPLICA_FAILURES
from services.router.backends.replicas.retry_budget import Allowance
from services.router.types.ledger import CallStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from services.router.backends.replicas.settings import ReplicaSettings

_ANSWERED = frozenset({CallStatus.OK, CallStatus.REJECTED})
"""What a replica says that works."""
_RETRY_FLOOR = 10
"""Retries that are allowed in half a minute however few calls there are."""


class ReplicaSet:
    """Everything that is known of one model's replicas."""

    def __init__(
        self,
        model_id: str,
        settings: ReplicaSettings,
        *,
        clock: Callable[[], float] = time.monotonic,
        draw: random.Random | None = None,
    ) -> None:
        self.model_id = model_id
        self.settings = settings
        self.draw = draw or random.Random()  # noqa: S311  # spreads load, guards nothing
        self.replicas: tuple[Replica, ...] = ()
        self.retries = Allowance(share=settings.retry.share, floor=_RETRY_FLOOR, clock=clock)
        self.hedges = Allowance(share=settings.hedge.share, clock=clock)
        self._first_text = LatencyQuantile()
        self._replica_count = REPLICAS.labels(model_id)
        self._ejected_count = EJECTED.labels(model_id)
        self._clock = clock

    def update(self, urls: Collection[str]) -> None:
        """Takes the replicas that there are now; those that stay keep their state."""
        kept = {replica.url: replica for replica in self.replicas if replica.url in urls}
        taken = {replica.place for replica in kept.values()}
        free = (place for place in range(len(urls)) if place not in taken)
        self.replicas = tuple(
            kept[url] if url in kept else self._new_replica(url, next(free))
            for url in dict.fromkeys(urls)
        )
        self._show()

    def forget(self) -> None:
        """Shows nothing of the model any more: it has left the pool."""
        REPLICAS.remove(self.model_id)
        EJECTED.remove(self.model_id)

    def choose(
        self, *, session: str | None, tried: Collection[Replica], trials: bool = True
    ) -> Replica | None:
        """Returns the replica to ask now; None if there is none that was not tried.

        Args:
            session: What a chat of several turns is known by, so that it finds its replica again.
            tried: Replicas that this call has been to.
            trials: Whether the call may find out how an ejected replica is.
        """
        left = [replica for replica in self.replicas if replica not in tried]
        if not left:
            return None
        due = [replica for replica in left if replica.ejection.trial_due] if trials else []
        if due:
            due[0].ejection.begin_trial()
            return due[0]
        # With none available, one that is resting or ejected is better than giving up.
        available = [replica for replica in left if replica.available] or left
        if session is not None:
            return of_session(available, session)
        return least_loaded(available, self.draw)

    def has_others(self, tried: Collection[Replica]) -> bool:
        """Says whether there is a replica that was not tried."""
        return any(replica not in tried for replica in self.replicas)

    def note_call(self) -> None:
        """Counts a call, of which extra attempts may be a share."""
        self.retries.note_call()
        self.hedges.note_call()

    def report(self, replica: Replica, status: CallStatus | None) -> None:
        """Takes note of how an attempt ended; None if whoever waited for it stopped."""
        if status in REPLICA_FAILURES:
            replica.ejection.failed(may_eject=self._may_eject())
            self._show()
        elif status in _ANSWERED:
            replica.ejection.succeeded()
            self._show()
        name = "STOPPED" if status is None else status.name
        REPLICA_CALLS.labels(self.model_id, place_label(replica.place), name).inc()

    def note_first_text(self, replica: Replica, after_s: float) -> None:
        """Takes note of a time to first text."""
        if not replica.ejection.serves:
            replica.ejection.began()
            self._show()
        replica.latency.observe(after_s)
        self._first_text.observe(after_s)

    def note_silence(self, replica: Replica, waited_s: float) -> None:
        """Takes note of an attempt that was given up before it wrote anything.

        It would have taken longer than that. Left out, the slowest would be missing from what is known;
        but a wait shorter than usual says nothing.
        """
        known_s = replica.latency.known
        if known_s is not None and waited_s > known_s:
            replica.latency.observe(waited_s)
        usual_s = self._first_text.value_s
        if usual_s is not None and waited_s > usual_s:
            self._first_text.observe(waited_s)

    @property
    def hedge_delay_s(self) -> float | None:
        """How long a replica gets to begin before another is asked as well; None: for ever."""
        if self.settings.hedge.share == 0 or len(self.replicas) < 2:
            return None
        usual_s = self._first_text.value_s
        return None if usual_s is None else max(usual_s, self.settings.hedge.min_delay_s)

    @property
    def usual_silence_s(self) -> float | None:
        """How long 95 % of the calls take to begin, a hedge included; None while that is unknown."""
        usual_s = self._first_text.value_s
        if usual_s is None:
            return None
        return max(usual_s, self.settings.hedge.min_delay_s) + (self.hedge_delay_s or 0.0)

    def _may_eject(self) -> bool:
        ejected = sum(not replica.ejection.serves for replica in self.replicas)
        return ejected + 1 <= self.settings.ejection.max_share * len(self.replicas)

    def _new_replica(self, url: str, place: int) -> Replica:
        return Replica(
            url=url,
            place=place,
            ejection=Ejection(
                settings=self.settings.ejection, clock=self._clock, draw=self.draw.random
            ),
            latency=LatencyAverage(clock=self._clock),
            clock=self._clock,
        )

    def _show(self) -> None:
        self._replica_count.set(len(self.replicas))
        self._ejected_count.set(sum(not replica.ejection.serves for replica in self.replicas))
