"""A simulated model backend: one OpenAI-compatible HTTP server that answers for many models.

``HTTP request -> Call (call) -> AnswerSource -> Reply -> events, paced (stream) -> HTTP response``

Answers are recorded ones of real models (``recorded``), drawn from a built-in question bank
(``simulated``) or fixed by a test (``scripted``). Every reply is labelled as simulated. Faults are
switched on and off per model while it runs (``fault``), and every call is logged (``call_log``).
"""

from __future__ import annotations

from services.simulator.call import AnswerSource, Call, NoAnswerError, Purpose, Reference, Reply
from services.simulator.call_log import CallRecord, Outcome
from services.simulator.fault import FaultKind
from services.simulator.scripted import ScriptedAnswers
from services.simulator.server import Simulator, running_simulator
from services.simulator.stream import Pacing

__all__ = [
    "AnswerSource",
    "Call",
    "CallRecord",
    "FaultKind",
    "NoAnswerError",
    "Outcome",
    "Pacing",
    "Purpose",
    "Reference",
    "Reply",
    "ScriptedAnswers",
    "Simulator",
    "running_simulator",
]
