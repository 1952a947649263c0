"""A simulated model backend: one OpenAI-compatible HTTP server that answers for many models.

``HTTP request -> Call -> AnswerSource -> Reply -> paced events -> HTTP response``

Every reply is labelled as simulated.

- call: the call that messages describe, and the interface of answer sources.
- call_log: the last calls with their outcomes.
- completions: the endpoint of chat completions.
- fault: the faults that a model can have.
- pool: the models of the simulated pool.
- question_bank: questions with right and wrong answers.
- recorded: answers that real models gave, from files.
- server: the HTTP server, with control endpoints for faults and the call log.
- simulated: answers of the simulated pool, drawn from the question bank.
- state: the state that all handlers share.
- stream: tokens of a text, and their events at a given pace.
- __main__: `python -m services.simulator`.
"""

from __future__ import annotations

from services.simulator.call import AnswerSource, Call, NoAnswerError, Purpose, Reference, Reply
from services.simulator.call_log import CallOutcome, CallRecord
from services.simulator.fault import FaultKind
from services.simulator.server import Simulator, running_simulator
from services.simulator.stream import Pacing

__all__ = [
    "AnswerSource",
    "Call",
    "CallOutcome",
    "CallRecord",
    "FaultKind",
    "NoAnswerError",
    "Pacing",
    "Purpose",
    "Reference",
    "Reply",
    "Simulator",
    "running_simulator",
]
