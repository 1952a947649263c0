"""The state of a running simulator: answers, pace, faults and call log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.simulator.call_log import CallLog

if TYPE_CHECKING:
    from services.simulator.call import AnswerSource
    from services.simulator.fault import FaultKind
    from services.simulator.stream import Pacing


class SimulatorState:
    """The state that HTTP handlers and an in-process owner share."""

    def __init__(self, source: AnswerSource, pacing: Pacing) -> None:
        self.source = source
        self.pacing = pacing
        self.models = frozenset(source.models)
        self.log = CallLog()
        self._faults: dict[str, FaultKind] = {}

    def fault(self, model: str) -> FaultKind | None:
        """Returns a model's active fault; None if it has none."""
        return self._faults.get(model)

    def set_fault(self, model: str, kind: FaultKind) -> None:
        """Switches a fault on, instead of the previous one.

        Raises:
            ValueError: The simulator has no such model.
        """
        if model not in self.models:
            msg = f"the simulator has no model {model!r}"
            raise ValueError(msg)
        self._faults[model] = kind

    def clear_fault(self, model: str) -> None:
        """Switches a model's fault off, if one is on."""
        self._faults.pop(model, None)
