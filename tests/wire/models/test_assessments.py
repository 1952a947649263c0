"""The assessments in replies of real models: how many are read, and what of them is shown.

Models this small seldom follow an instruction, but they copy examples. So each question comes after
two turns whose answers end in an assessment, and some calls write hot, for more variety.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from services.router.prompts import prompts
from services.router.prompts.prompts import ASSESSMENT, Reference, new_nonce
from services.router.prompts.replies import read_answer, read_reply
from services.router.types.conversation import Conversation
from services.router.types.messages import Message, Role
from tests.wire.attempt import attempt, pool_model
from tests.wire.models.conftest import MAX_REPLY_TOKENS

if TYPE_CHECKING:
    from services.local.real_pool import Served
    from tests.wire.models.conftest import System
    from tests.wire.models.report import Report

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(1800)]

QUESTIONS = (
    "What is the capital of Italy?",
    "What is 3 + 4?",
    "Which animal says moo?",
    "How many hours has a day?",
    "What colour is snow?",
    "What is the opposite of big?",
    "Which month comes after May?",
    "What do bees make?",
)
EXAMPLES = (
    ("How many legs has a dog?", "A dog has four legs.", 0.9),
    ("What is the capital of Spain?", "The capital of Spain is Madrid.", 0.8),
)
NONCE = "NONCE"
"""Stands for the nonce of the call."""
REFERENCES = tuple(
    Reference(label=label, model_id=label, text=text)
    for label, text in (("R1", "I do not know."), ("R2", "It is blue."))
)
TEMPERATURES = (0.0, 0.8)
MIN_READ_SHARE = 0.95
_LEAK = re.compile(r"self_score|@@\w+ [0-9a-f]{8}|never sees that line", re.IGNORECASE)
_SELF_SCORE = re.compile(r"self.{0,4}score\W{1,6}([0-9.]+)", re.IGNORECASE)


def conversation(question: str, *, labels: tuple[str, ...] = ()) -> Conversation:
    """Returns a question after examples of answers with an assessment by `NONCE`."""
    grades = {"grades": dict.fromkeys(labels, 0.6)} if labels else {}
    messages = []
    for asked, answer, score in EXAMPLES:
        trailer = json.dumps({"self_score": score, **grades})
        messages += [
            Message(role=Role.USER, content=asked),
            Message(role=Role.ASSISTANT, content=f"{answer}\n{ASSESSMENT} {NONCE} {trailer}"),
        ]
    return Conversation(messages=(*messages, Message(role=Role.USER, content=question)))


async def ask(
    server: Served, messages: tuple[Message, ...], temperature: float
) -> tuple[str, int, float]:
    """Returns a raw reply, its tokens and the seconds that it took."""
    model = pool_model(
        server.url, "llama.cpp", max_reply_tokens=2 * MAX_REPLY_TOKENS, temperature=temperature
    )
    started_s = time.monotonic()
    attempted = await attempt(model, messages=messages)
    assert attempted.failure is None
    usage = attempted.exchange.usage
    assert usage is not None
    return attempted.shown, usage.completion_tokens, time.monotonic() - started_s


def follows(raw: str, nonce: str) -> bool:
    """Returns whether a raw reply holds the nonce of its call and a self-score from 0 to 1."""
    found = _SELF_SCORE.search(raw)
    return nonce in raw and found is not None and float(found[1].rstrip(".")) <= 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Calls of one kind, whose replies are counted in the report."""

    report: Report
    call: str
    references: tuple[Reference, ...] = ()
    assessed: bool = True

    async def ask(self, server: Served, chat: Conversation, temperature: float) -> None:
        """Asks a model once, and counts its reply."""
        nonce = new_nonce()
        chat = Conversation(
            messages=tuple(
                Message(role=m.role, content=m.content.replace(NONCE, nonce)) for m in chat.messages
            )
        )
        prompt = prompts.proposer if self.assessed else prompts.aggregator
        raw, tokens, seconds = await ask(server, prompt(chat, self.references, nonce), temperature)
        reply = read_reply(raw, nonce, self.references)
        answer = reply.answer if self.assessed else read_answer(raw, nonce)
        is_following = self.assessed and follows(raw, nonce)
        self.report.replies[self.call, server.model.id].add(
            follows=is_following,
            is_read=reply.self_score is not None,
            leaks=_LEAK.search(answer) is not None,
            tokens=tokens,
            seconds=seconds,
        )
        if is_following and reply.self_score is None:
            self.report.unread.append(raw)

    def check(self) -> int:
        """Checks the counts, and returns how many replies followed the protocol."""
        rows = [row for (call, _), row in self.report.replies.items() if call == self.call]
        following = sum(row.following for row in rows)
        assert sum(row.leaks for row in rows) == 0
        assert sum(row.read for row in rows) >= MIN_READ_SHARE * following, self.report.unread
        return following


async def test_assessments_after_examples_are_read_and_not_shown(
    system: System, report: Report
) -> None:
    asking = Asking(report=report, call="first layer, with examples")

    async def ask_all(server: Served) -> None:
        for question in QUESTIONS:
            for temperature in TEMPERATURES:
                await asking.ask(server, conversation(question), temperature)

    await asyncio.gather(*map(ask_all, system.servers))
    assert asking.check() > 0


@pytest.mark.parametrize("call", ["first layer", "second layer", "aggregation"])
async def test_replies_without_examples_show_no_protocol(
    system: System, report: Report, call: str
) -> None:
    asking = Asking(
        report=report,
        call=call,
        references=() if call == "first layer" else REFERENCES,
        assessed=call != "aggregation",
    )

    async def ask_all(server: Served) -> None:
        for question in QUESTIONS[::2]:
            asked = Conversation(messages=(Message(role=Role.USER, content=question),))
            await asking.ask(server, asked, 0.0)

    await asyncio.gather(*map(ask_all, system.servers))
    asking.check()


async def test_grades_after_examples_are_read_and_not_shown(system: System, report: Report) -> None:
    call = "second layer, with examples"
    asking = Asking(report=report, call=call, references=REFERENCES)

    async def ask_all(server: Served) -> None:
        for question in QUESTIONS[::2]:
            await asking.ask(server, conversation(question, labels=("R1", "R2")), 0.0)

    await asyncio.gather(*map(ask_all, system.servers))
    asking.check()
