"""The published mixture-of-agents loop, rebuilt from its description, as a baseline to time against.

Its order and waits are kept: the three best by score answer in JSON, together, and the slowest is
waited for; scores are updated from what they say of themselves and of each other; at most three rounds;
a fixed aggregator always merges the raw replies of the last one. Weights and threshold are those of its
large pool. Prompts are our own words at the published length. Replies are fetched whole, as there.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import aiohttp

_ROUND_MODELS = 3
_MAX_ROUNDS = 3
_STOP_SCORE = 0.76
_MAX_TOKENS = 8192
_MISSING_SELF = {1: 0.8, 2: 0.5}
_MISSING_CROSS = 1.0

_FIRST = """\
You are one of several assistants that work on the same question. You have two goals. First, give the \
best and most complete answer that you can; think it through before you write. Second, judge your own \
answer critically: a score from 0 (certainly wrong) to 1 (certainly right and complete). Be strict: \
others rely on it. Reply with one JSON object and nothing else, neither before nor after it, with \
exactly these keys:
```json
{"answer": "<your answer as text>", "self_score": <number from 0 to 1>}
```"""

_SECOND = """\
You are one of several assistants that work on the same question. Below are the answers of the round \
before. You have three goals. First, give an answer that is better than each of them. Second, judge \
your own answer critically, from 0 (certainly wrong) to 1 (certainly right). Third, judge each of the \
answers below likewise. Reply with one JSON object and nothing else, with exactly these keys:
```json
{"answer": "<text>", "self_score": <number>, "peer_scores": [<one number per answer, in order>]}
```
"""

_THIRD = """\
Several assistants have answered the question; their answers are below. Write the final answer to the \
question as plain text, without JSON.
"""

_AGGREGATE = """\
You have been given answers of several assistants to the latest question of the user. Your task is to \
merge them into one answer of high quality. Look at them critically: some of what they say may be \
biased or wrong. Do not just repeat them; give a refined, accurate and complete reply, well structured \
and coherent, of the highest standard of accuracy and reliability.
"""


@dataclass(slots=True)
class Outcome:
    """One answered query."""

    text: str = ""
    rounds: int = 0
    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Said:
    raw: str
    self_score: float | None
    peer_scores: Sequence[float]


@dataclass(slots=True)
class ReferenceLoop:
    """Answers queries one way: rounds of three, each waited for, then the aggregator."""

    session: aiohttp.ClientSession
    url: str
    aggregator: str
    outcome: Outcome = field(default_factory=Outcome)

    async def answer(self, query: str, scores: Mapping[str, float]) -> Outcome:
        """Answers a query from the router's score of each model, in [0, 1]."""
        self.outcome = Outcome()
        now = dict(scores)
        said: dict[str, Said] = {}
        while self.outcome.rounds < _MAX_ROUNDS:
            chosen = sorted(now, key=lambda m: -now[m])[:_ROUND_MODELS]
            before, said = said, await self._round(query, chosen, said)
            self.outcome.rounds += 1
            if self.outcome.rounds == _MAX_ROUNDS:
                break
            now = updated(scores, now, said, before)
            judged = now.values() if before else [now[m] for m in chosen]
            if max(judged) > _STOP_SCORE:
                break
        prompt = f"{_AGGREGATE}\n{_quoted(said)}"
        self.outcome.text = await self._call(self.aggregator, prompt, query)
        return self.outcome

    async def _round(
        self, query: str, chosen: Sequence[str], before: Mapping[str, Said]
    ) -> dict[str, Said]:
        system = (_FIRST, _SECOND, _THIRD)[self.outcome.rounds]
        prompt = f"{system}\n{_quoted(before)}" if before else system
        raws = await asyncio.gather(*(self._call(model, prompt, query) for model in chosen))
        return {model: _read(raw) for model, raw in zip(chosen, raws, strict=True)}

    async def _call(self, model: str, system: str, query: str) -> str:
        body = {
            "model": model,
            "max_tokens": _MAX_TOKENS,
            "messages": [
                {"role": "system", "content": system},
                {"role": "user", "content": query},
            ],
        }
        async with self.session.post(f"{self.url}/chat/completions", json=body) as response:
            response.raise_for_status()
            reply = await response.json()
        self.outcome.calls += 1
        self.outcome.prompt_tokens += reply["usage"]["prompt_tokens"]
        self.outcome.completion_tokens += reply["usage"]["completion_tokens"]
        return str(reply["choices"][0]["message"]["content"])


def _quoted(said: Mapping[str, Said]) -> str:
    return "\n".join(
        f"[Reference {number} Start]\n{each.raw}\n[Reference {number} End]"
        for number, each in enumerate(said.values(), 1)
    )


def _read(raw: str) -> Said:
    with contextlib.suppress(ValueError, TypeError):
        value = json.loads(raw)
        return Said(raw, value.get("self_score"), value.get("peer_scores", []))
    return Said(raw, None, [])


def updated(
    router: Mapping[str, float],
    now: Mapping[str, float],
    said: Mapping[str, Said],
    before: Mapping[str, Said],
) -> dict[str, float]:
    """Returns the scores after a round, by the weights published for the large pool."""
    scores = dict(now)
    if not before:
        for model, each in said.items():
            scores[model] = 0.9 * router[model] + 0.1 * (each.self_score or _MISSING_SELF[1])
        return scores
    judge = max(said.values(), key=lambda each: each.self_score or 0.0)
    cross = dict(zip(before, judge.peer_scores, strict=False))
    for model in router:
        grade = cross.get(model, _MISSING_CROSS)
        if model not in said:
            scores[model] = 0.7 * router[model] + 0.1 * 0.3 + 0.2 * grade
            continue
        self_score = said[model].self_score or _MISSING_SELF[2]
        scores[model] = (
            0.25 * router[model] + 0.3 * self_score + 0.45 * grade
            if model in before
            else 0.9 * router[model] + 0.1 * self_score
        )
    return scores
