"""The state of a running simulator: answers, pace, faults and call log."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.simulator.call_log import CallLog

if TYPE_CHECKING:
    from services.simulator.call import AnswerSource
    from services.simulator.chat.prefix_cache import PrefixCache
    from services.simulator.fault import FaultKind
    from services.simulator.stream import Pacing


@dataclass(frozen=True, slots=True, kw_only=True)
class _ActiveFault:
    kind: FaultKind
    share: float
    draw: random.Random


class SimulatorState:
    """The state that HTTP handlers and an in-process owner share."""

    def __init__(
        self, source: AnswerSource, pacing: Pacing, prefix_cache: PrefixCache | None = None
    ) -> None:
        self.source = source
        self.pacing = pacing
        self.models = frozenset(source.models)
        self.log = CallLog()
        self.prefix_cache = prefix_cache
        self._faults: dict[str, _ActiveFault] = {}

    def fault(self, model: str) -> FaultKind | None:
        """Returns the fault of a model's next call; None if it has none."""
        active = self._faults.get(model)
        return None if active is None or active.draw.random() >= active.share else active.kind

    def set_fault(self, model: str, kind: FaultKind, *, share: float = 1.0) -> None:
        """Switches a fault on, instead of the previous one.

        Args:
            model: The model.
            kind: The fault.
            share: The share of its calls that have the fault; the same ones each time.

        Raises:
            ValueError: The simulator has no such model, or the share is not in [0, 1].
        """
        if not 0 <= share <= 1:
            msg = f"the share must be in [0, 1], is {share:g}"
            raise ValueError(msg)
        if model not in self.models:
            msg = f"the simulator has no model {model!r}"
            raise ValueError(msg)
        draw = random.Random(f"{model} {kind}")  # noqa: S311  # repeatable, not secret
        self._faults[model] = _ActiveFault(kind=kind, share=share, draw=draw)

    def clear_fault(self, model: str) -> None:
        """Switches a model's fault off, if one is on."""
        self._faults.pop(model, None)
