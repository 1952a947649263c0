"""A simulated model backend: one OpenAI-compatible HTTP server that answers for many models.

``HTTP request -> Call -> AnswerSource -> Reply -> paced events -> HTTP response``

Every reply is labelled as simulated.

- call: the call that messages describe, and the interface of answer sources.
- call_log: the last calls with their outcomes.
- fault: the faults that a model can have.
- pool: the models of the simulated pool.
- question_bank: questions with right and wrong answers.
- recorded: answers that real models gave, from files.
- server: the HTTP server, with control endpoints for faults and the call log.
- simulated: answers of the simulated pool, drawn from the question bank.
- state: the state that all handlers share.
- stream: tokens of a text, and their events at a given pace.
- abilities/: tools, JSON, images and reasoning; replies that are wrong on purpose.
- chat/: the endpoint of chat completions.
- __main__: `python -m services.simulator`.
"""

from __future__ import annotations

from services.simulator.abilities.able_answers import AbleAnswers
from services.simulator.call import (
    AnswerSource,
    Call,
    NoAnswerError,
    Purpose,
    Reference,
    Reply,
    Tool,
    ToolCall,
)
from services.simulator.call_log import CallOutcome, CallRecord
from services.simulator.fault import FaultKind
from services.simulator.server import Simulator, running_simulator
from services.simulator.stream import Pacing

__all__ = [
    "AbleAnswers",
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
    "Tool",
    "ToolCall",
    "running_simulator",
]
