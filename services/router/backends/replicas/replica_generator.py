"""Runs calls over the replicas of their models: a stream that breaks goes on, and stays whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.router.backends.http.attempt_failure import AttemptFailedError
from services.router.backends.replicas.dispatcher import Course
from services.router.routing.events import Resumed
from services.router.types.ledger import CallStatus

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from services.router.backends.call import ModelCall
    from services.router.backends.client import WireClient
    from services.router.backends.replicas.replica_set import ReplicaSet
    from services.router.backends.replicas.resume import Seam


class ReplicaGenerator:
    """Runs calls. It sets no deadline: whoever awaits it does."""

    def __init__(self, client: WireClient, sets: Mapping[str, ReplicaSet]) -> None:
        self._client = client
        self._sets = sets

    def is_reachable(self, model_id: str) -> bool:
        """Says whether there is any replica that a call could go to."""
        return bool(self._sets[model_id].replicas)

    def usual_silence_s(self, model_id: str) -> float | None:
        """Returns how long calls to a model take to begin, but for a few; None if that is unknown."""
        return self._sets[model_id].usual_silence_s

    async def stream(self, call: ModelCall) -> AsyncGenerator[str | Resumed, None]:
        """Yields the raw reply in pieces as it comes; see `Generator`."""
        course = Course(call, self._sets[call.model.id], self._client)
        lane, text = await course.begin()
        seam: Seam | None = None
        while True:
            broken: CallStatus | None = None
            try:
                while text is not None:
                    if seam is not None:
                        text = seam.feed(text)
                    if text:
                        call.text += text
                        yield text
                    text = await lane.next()
                await lane.close(CallStatus.OK)
            except AttemptFailedError as error:
                broken = error.status
            finally:
                await lane.close(None)
            if seam is not None and (rest := seam.finish()):
                call.text += rest
                yield rest
            if broken is None:
                return
            lane, text, seam = await course.resume(broken)
            yield Resumed(model_id=call.model.id, status=broken)
