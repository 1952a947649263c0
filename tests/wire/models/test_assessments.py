"""The assessments in replies of real models: how many are read, and what of them is shown.

Models this small seldom follow an instruction, but they copy examples. So each question comes after
two turns whose answers end in an assessment, and some calls write hot, for more variety.
"""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING

import pytest

from services.router.prompts import prompts
from services.router.prompts.prompts import ASSESSMENT, Reference, new_nonce
from services.router.prompts.replies import read_answer, read_reply
from services.router.types.conversation import Conversation, Message, Role
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
TEMPERATURES = (0.0, 0.8)
MIN_READ_SHARE = 0.95
_LEAK = re.compile(r"self_score|@@\w+ [0-9a-f]{8}|never sees that line", re.IGNORECASE)
_SELF_SCORE = re.compile(r"self.{0,4}score\W{1,6}[0-9.]", re.IGNORECASE)


def conversation(question: str, nonce: str, labels: tuple[str, ...]) -> Conversation:
    """Returns a question after examples of answers with an assessment."""
    grades = {"grades": dict.fromkeys(labels, 0.6)} if labels else {}
    messages = []
    for asked, answer, score in EXAMPLES:
        trailer = json.dumps({"self_score": score, **grades})
        messages += [
            Message(role=Role.USER, content=asked),
            Message(role=Role.ASSISTANT, content=f"{answer}\n{ASSESSMENT} {nonce} {trailer}"),
        ]
    return Conversation(messages=(*messages, Message(role=Role.USER, content=question)))


async def ask(
    server: Served, messages: tuple[Message, ...], temperature: float
) -> tuple[str, int, float]:
    """Returns a raw reply, its tokens and the seconds that it took."""
    model = pool_model(
        server.url, "llama.cpp", max_reply_tokens=MAX_REPLY_TOKENS, temperature=temperature
    )
    started_s = time.monotonic()
    attempted = await attempt(model, messages=messages)
    assert attempted.failure is None
    usage = attempted.exchange.usage
    assert usage is not None
    return attempted.shown, usage.completion_tokens, time.monotonic() - started_s


@pytest.mark.parametrize("shown", [True, False], ids=["with examples", "as asked"])
async def test_assessments_are_read_and_never_shown(
    system: System, report: Report, *, shown: bool
) -> None:
    call = "first layer, with examples" if shown else "first layer"
    for server in (system.replicas[1], system.base):
        for temperature in TEMPERATURES if shown else (0.0,):
            for question in QUESTIONS:
                nonce = new_nonce()
                chat = conversation(question, nonce, ())
                chat = chat if shown else Conversation(messages=chat.messages[-1:])
                raw, tokens, seconds = await ask(
                    server, prompts.proposer(chat, (), nonce), temperature
                )
                reply = read_reply(raw, nonce, ())
                report.replies[call, server.model.id].add(
                    follows=nonce in raw and _SELF_SCORE.search(raw) is not None,
                    is_read=reply.self_score is not None,
                    leaks=_LEAK.search(reply.answer) is not None,
                    tokens=tokens,
                    seconds=seconds,
                )
    rows = [replies for (kind, _), replies in report.replies.items() if kind == call]
    assert sum(row.leaks for row in rows) == 0
    assert sum(row.read for row in rows) >= MIN_READ_SHARE * sum(row.following for row in rows)
    if shown:
        assert sum(row.following for row in rows) > 0


async def test_grades_are_read_and_marks_of_references_never_shown(
    system: System, report: Report
) -> None:
    for server in (system.replicas[1], system.base):
        for question in QUESTIONS:
            nonce = new_nonce()
            references = tuple(
                Reference(label=label, model_id=label, text=text)
                for label, text in (("R1", "I do not know."), ("R2", "It is blue."))
            )
            chat = conversation(question, nonce, ("R1", "R2"))
            raw, tokens, seconds = await ask(
                server, prompts.proposer(chat, references, nonce), TEMPERATURES[0]
            )
            reply = read_reply(raw, nonce, references)
            report.replies["second layer, with examples", server.model.id].add(
                follows=nonce in raw and _SELF_SCORE.search(raw) is not None,
                is_read=reply.self_score is not None,
                leaks=_LEAK.search(reply.answer) is not None,
                tokens=tokens,
                seconds=seconds,
            )
            merging = Conversation(messages=chat.messages[-1:])
            raw, tokens, seconds = await ask(
                server, prompts.aggregator(merging, references, nonce), TEMPERATURES[0]
            )
            report.replies["aggregation", server.model.id].add(
                follows=False,
                is_read=False,
                leaks=_LEAK.search(read_answer(raw, nonce)) is not None,
                tokens=tokens,
                seconds=seconds,
            )
    assert all(replies.leaks == 0 for replies in report.replies.values())
    following = sum(replies.following for replies in report.replies.values())
    read = sum(replies.read for replies in report.replies.values())
    assert read >= MIN_READ_SHARE * following
