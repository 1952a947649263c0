"""A pool whose models take heavy-tailed times, as a process: `python -m tests.bench.heavy_tail`.

Prints its base URL and serves until it is ended. Which answer a model comes to, how long its text is
and how long it takes to begin are drawn from a hash of model, question and purpose, so that every
system that asks the same meets the same. Times are a third of what hosted models take.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import re
import statistics
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

import uvloop
from aiohttp import web

from services.simulator.call import Call, Message, Purpose, read_call
from services.simulator.stream import DONE, EventWriter, estimate_tokens, split_pieces, write_events

if TYPE_CHECKING:
    from collections.abc import Sequence

SKILLS = {
    "gpt-4o-2024-08-06": 0.88,
    "claude-3-5-sonnet-20241022": 0.88,
    "Mistral-Large-2": 0.84,
    "Meta-Llama-3.1-70B-Instruct": 0.80,
    "gemini-1.5-pro": 0.78,
    "Qwen2-72B-Instruct": 0.74,
}
"""How often a model is right; the names are such that the shipped scorer knows them."""
FIRST_TOKEN_MEDIAN_S, FIRST_TOKEN_SPREAD = 0.2, 0.8
STRAGGLER_SHARE, STRAGGLER_FACTOR = 0.03, 10.0
WORDS_MEDIAN, WORDS_SPREAD = 120, 0.4
"""Two tokens each, by the simulator's count: a word and the space before it."""
TOKENS_PER_SECOND = 300
_DIFFICULTY_SPREAD = 1.0
_LETTERS = "ABCD"
_FINAL = re.compile(r"answer is \(([A-D])\)")
_QUOTED = re.compile(r"\[Reference \d+ Start\]\n(.*?)\n\[Reference \d+ End\]", re.S)


def question(number: int) -> str:
    """Returns a question; which of its options is right is drawn from its number."""
    return f"Problem {number}. A train leaves at noon. Which of the options A, B, C and D follows?"


def right_letter(text: str) -> str:
    """Returns the right option of a question."""
    return _draw("right", text).choice(_LETTERS)


def final_letter(text: str) -> str | None:
    """Returns the option that an answer comes to."""
    found = _FINAL.findall(text)
    return found[-1] if found else None


def reply_text(call: Call) -> str:
    """Returns what a model says: some words, its option, and the scores that it is asked for."""
    draw = _draw("length", call.model, call.query, call.purpose.value)
    words = int(WORDS_MEDIAN * draw.lognormvariate(0, WORDS_SPREAD))
    texts = [reference.text for reference in call.references] or _QUOTED.findall(_system(call))
    asks_for_json = "one JSON object" in _system(call)
    merges = call.purpose is Purpose.AGGREGATION or (texts and not asks_for_json)
    letter, self_score = _own(call)
    if merges:
        letter = _most_common(texts) or letter
    text = f"{' '.join(['because'] * words)} so the answer is ({letter})"
    if asks_for_json:
        peers = [float(final_letter(each) == letter) for each in texts]
        scores = {"self_score": self_score} | ({"peer_scores": peers} if peers else {})
        return json.dumps({"answer": text, **scores})
    grades = {r.label: float(final_letter(r.text) == letter) for r in call.references}
    return call.assessed(text, self_score=self_score, grades=grades)


def delay_s(call: Call) -> float:
    """Returns how long a model takes to begin."""
    draw = _draw("delay", call.model, call.query, call.purpose.value, str(len(call.references)))
    straggles = draw.random() < STRAGGLER_SHARE
    factor = STRAGGLER_FACTOR if straggles else 1.0
    return FIRST_TOKEN_MEDIAN_S * draw.lognormvariate(0, FIRST_TOKEN_SPREAD) * factor


def _own(call: Call) -> tuple[str, float]:
    """Returns the option that a model comes to by itself, and how sure it says it is."""
    question_text = _question_in(call)
    # What is hard for one is hard for all: a share of the draw belongs to the question.
    hardness = _draw("hard", question_text).gauss(0, _DIFFICULTY_SPREAD)
    draw = _draw("knows", call.model, question_text)
    knows = hardness + draw.gauss(0, _DIFFICULTY_SPREAD) < _quantile(SKILLS[call.model])
    right = right_letter(question_text)
    letter = right if knows else draw.choice(_LETTERS.replace(right, ""))
    return letter, round(min(1.0, max(0.0, (0.9 if knows else 0.7) + draw.gauss(0, 0.08))), 2)


def _quantile(share: float) -> float:
    """Returns what the sum of the two draws stays below with this probability."""
    return statistics.NormalDist(0, _DIFFICULTY_SPREAD * 2**0.5).inv_cdf(share)


def _question_in(call: Call) -> str:
    found = re.search(r"Problem \d+\.[^\n]*", call.query)
    return found[0] if found else call.query


def _system(call: Call) -> str:
    return "\n".join(m.content for m in call.messages if m.role == "system")


def _most_common(texts: Sequence[str]) -> str | None:
    letters = Counter(letter for text in texts if (letter := final_letter(text)))
    return letters.most_common(1)[0][0] if letters else None


def _draw(*about: str) -> random.Random:
    seed = hashlib.sha256("\0".join(about).encode()).digest()
    return random.Random(seed)


async def complete(request: web.Request) -> web.StreamResponse:
    """Answers one chat completion, streamed or whole."""
    body = json.loads(await request.read())
    messages = [Message(role=m["role"], content=m["content"]) for m in body["messages"]]
    call = read_call(body["model"], messages)
    pieces = split_pieces(reply_text(call))
    prompt_tokens = sum(estimate_tokens(message.content) for message in messages)
    usage: dict[str, object] = {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": len(pieces),
        "total_tokens": prompt_tokens + len(pieces),
    }
    writer = EventWriter(completion_id="chatcmpl", created=int(time.time()), model=call.model)
    if not body.get("stream"):
        await asyncio.sleep(delay_s(call) + len(pieces) / TOKENS_PER_SECOND)
        message = {"role": "assistant", "content": "".join(pieces)}
        choice: dict[str, object] = {"message": message, "finish_reason": "stop"}
        return web.json_response(writer.whole(choice, 1, usage))
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    await asyncio.sleep(delay_s(call))
    events = writer.pieces(pieces)
    events[0] = writer.opening() + events[0]
    events[-1] += writer.closing("stop") + writer.usage(usage) + DONE
    await write_events(response, events, TOKENS_PER_SECOND, lambda _: None)
    return response


async def main() -> None:
    """Serves until cancelled."""
    application = web.Application()
    application.add_routes([web.post("/v1/chat/completions", complete)])
    runner = web.AppRunner(application, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    sys.stdout.write(f"http://127.0.0.1:{port}/v1\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main())
