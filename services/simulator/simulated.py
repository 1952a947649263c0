"""Answers of the simulated pool: question bank and skills -> replies, always the same.

A hash of model and question, compared with the model's skill, decides if it knows the answer. Its
scores of its own and of others' answers follow from that, with noise: they are informative but not
perfect, as those of real models are.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.simulator.call import Call, Purpose, Reply
from services.simulator.pool import MODELS
from services.simulator.question_bank import Question, find_question

if TYPE_CHECKING:
    from collections.abc import Sequence

_NOISE = 0.1


class SimulatedAnswers:
    """Answers the questions of the bank; any other query gets a text that calls itself simulated."""

    @property
    def models(self) -> Sequence[str]:
        """The models of the simulated pool."""
        return tuple(MODELS)

    def reply(self, call: Call) -> Reply:
        """Returns the model's answer, with its scores of itself and of the references."""
        question = find_question(call.query)
        if question is None:
            return Reply(
                text=f"[simulated reply of {call.model}: no model was run, and the built-in "
                "question bank does not hold this query]"
            )
        view = _ModelView(model=call.model, question=question)
        if call.purpose is Purpose.AGGREGATION:
            # Instead of a merged answer: the reference that this model believes most.
            return Reply(text=max(call.references, key=lambda r: view.belief(r.text)).text)
        if call.purpose is Purpose.SELECTION:
            best = sorted(call.references, key=lambda r: -view.belief(r.text))
            return Reply(text=call.verdict(keep=[r.label for r in best]))
        if call.purpose is Purpose.MODERATION:
            return Reply(text=call.verdict(over=len({r.text for r in call.references}) == 1))
        text = view.answer
        return Reply(
            text=call.assessed(
                text,
                self_score=view.belief(text),
                grades={r.label: view.belief(r.text) for r in call.references},
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _ModelView:
    """One model's answer to one question, and its belief in other answers."""

    model: str
    question: Question

    @property
    def skill(self) -> float:
        return MODELS[self.model].skills[self.question.domain]

    @property
    def knows(self) -> bool:
        return self._draw("knows") < self.skill

    @property
    def answer(self) -> str:
        if self.knows:
            return self.question.right
        wrong = self.question.wrong
        return wrong[int(self._draw("errs") * len(wrong))]

    def belief(self, text: str) -> float:
        """Returns the model's belief that a text is right, in [0, 1]."""
        if text.strip() == self.answer:
            # A model with a wrong answer is only a little less sure: it does not know better.
            level = 0.55 + 0.4 * self.skill if self.knows else 0.3 + 0.4 * self.skill
        elif self.knows:
            level = 0.15
        else:
            level = 0.5 if text.strip() == self.question.right else 0.35
        noisy = level + _NOISE * (2 * self._draw(f"belief {text}") - 1)
        return round(min(max(noisy, 0.0), 1.0), 2)

    def _draw(self, about: str) -> float:
        """Returns a number in [0, 1) that is always the same for model, question and ``about``."""
        seed = "\0".join((self.model, self.question.text, about)).encode()
        return int.from_bytes(hashlib.sha256(seed).digest()[:8]) / 2**64
