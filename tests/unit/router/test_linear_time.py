"""Texts of models and backends are read in linear time, the worst ones too: nothing blocks the loop."""

from __future__ import annotations

import time
from fractions import Fraction
from typing import TYPE_CHECKING, Protocol

import pytest

from scorer.answers.answer_features import answer_features, read_query
from services.answer_key import answer_key
from services.examination.questions.checkers.checker import Checker, Reply
from services.examination.questions.checkers.date_answer import DateAnswer
from services.examination.questions.checkers.fact_answer import FactAnswer, FactLine
from services.examination.questions.checkers.instruction_answer import (
    Instruction,
    InstructionAnswer,
)
from services.examination.questions.checkers.json_answer import JsonAnswer
from services.examination.questions.checkers.list_answer import ListAnswer
from services.examination.questions.checkers.number_answer import NumberAnswer
from services.examination.questions.checkers.program_answer import ProgramAnswer
from services.examination.questions.checkers.text_answer import TextAnswer
from services.router.backends.call import ModelCall
from services.router.backends.dialects.openai_reader import OpenAiReader
from services.router.backends.http.attempt_failure import retry_after_s
from services.router.backends.http.backend_message import backend_message
from services.router.backends.http.decoders import SseDecoder
from services.router.backends.http.error_objects import read_error_body
from services.router.backends.http.exchange import Exchange
from services.router.backends.http.finish_reasons import reason_word
from services.router.backends.http.reasoning import ReasoningSplitter
from services.router.backends.http.replies.well_formed import WellFormedStream, well_formed
from services.router.backends.replicas.resume import resume_request
from services.router.prompts.answer_filter import AnswerFilter
from services.router.prompts.prompts import Reference
from services.router.prompts.replies import read_reply
from services.router.prompts.shown_labels import shown_labels
from services.router.routing.agreement import agreeing
from services.router.strategies.verdicts import Question, is_over
from services.router.types.ledger import CallPurpose
from services.router.types.messages import Message, Role
from services.simulator.abilities.tool_rule import tool_calls
from services.simulator.call import Message as ReceivedMessage
from services.simulator.call import Options, Tool, read_call
from services.simulator.question_bank import find_question
from services.simulator.stream import split_pieces
from tests.unit.router.pool_models import model

if TYPE_CHECKING:
    from collections.abc import Callable

SMALL, LARGE = 20_000, 80_000
"""Characters of the two texts: quadratic reading takes 16 times as long for the large one."""
MAX_RATIO = 8
MAX_SMALL_S = 0.5
MAX_LARGE_S = 2.0
"""CPU seconds; linear reading takes less than a tenth of them."""
MEASURABLE_S = 0.001
RUNS = 4
NONCE = "7f3a9c2e"
MARK = f"@@assessment {NONCE}"
CHECKERS: tuple[Checker, ...] = (
    NumberAnswer(Fraction(12), "de"),
    TextAnswer("Anna", rivals=("Ben",)),
    DateAnswer("2031-12-24"),
    ListAnswer(("a", "b")),
    JsonAnswer({"a": 1}),
    FactAnswer((FactLine(("a",), ("b",), 3),)),
    InstructionAnswer((Instruction("words", "3"),)),
    ProgramAnswer("never_defined", (), ()),
)
REFERENCES = (Reference(label="R1", model_id="m", text="x"),)


class Filter(Protocol):
    """Takes a reply in pieces."""

    def feed(self, text: str) -> str: ...

    def finish(self) -> str: ...


def repeated(part: str) -> Callable[[int], str]:
    return lambda size: part * (size // len(part))


def between(start: str, part: str, end: str) -> Callable[[int], str]:
    return lambda size: start + part * (size // len(part)) + end


def reply(text: str) -> None:
    read_reply(text, NONCE, REFERENCES)


def verdict(text: str) -> None:
    is_over(Question(call=model_call(text), nonce=NONCE, references=()))


def agreement(text: str) -> None:
    texts = [text, text + "x"]
    agreeing(texts, [answer_key(each) for each in texts])


def filtered(text: str) -> None:
    feed(AnswerFilter(NONCE), text)


def held_then_filtered(text: str) -> None:
    answer = AnswerFilter(NONCE)
    answer.feed(text)
    feed(answer, text)


def labels(text: str) -> None:
    prompt = Message(role=Role.USER, content=f"@@reference {NONCE} R1\n{text}")
    shown_labels(text, [prompt], NONCE)


def without_reasoning(text: str) -> None:
    feed(ReasoningSplitter(), text)


def events(text: str) -> None:
    decoder = SseDecoder()
    for character in text:
        decoder.feed(character.encode())


def mended(text: str) -> None:
    well_formed(text)
    feed(WellFormedStream(), text)


_EVENT = 'data: {"choices":[{"delta":{$}}]}\n\n'
TOOL_PARTS = (
    '"tool_calls":[{"function":{"arguments":"x"}}]',
    '"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{"}}]',
    '"tool_calls":[{"index":0,"function":{"name":"f"}}]',
    '"refusal":"x"',
)


def replied(text: str) -> None:
    reader = OpenAiReader(Exchange(model=model(4096), base_url="", messages=()))
    for start in range(0, len(text), 7):
        reader.read(text[start : start + 7].encode())
    reader.end()
    reader.finish()


def failed(text: str) -> None:
    read_error_body(text.encode())
    backend_message(text, http_status=400, secrets=["sk-test-0123456789"])
    reason_word(text)


def header(text: str) -> None:
    retry_after_s({"Retry-After": text, "retry-after-ms": text})


def exchanged(text: str) -> None:
    exchange = Exchange(model=model(4096), base_url="", messages=())
    for character in text:
        exchange.add(character)
    assert exchange.text == text


def called(text: str) -> None:
    call = model_call("")
    for character in text:
        call.add_text(character)
    assert call.text == text


def resumed(text: str) -> None:
    seam = resume_request(model_call("x" + "\n" * len(text)), exact=True).overlap
    seam.feed(text)
    seam.finish()


def received(text: str) -> None:
    read_call("m", [ReceivedMessage(role="user", content=text)])
    split_pieces(text)
    find_question(text)
    parameters = {"properties": {"city": {"type": "string"}, "days": {"type": "integer"}}}
    tool = Tool(name="get_weather", parameters=parameters)
    asked = ReceivedMessage(role="user", content=f"The weather {text}")
    tool_calls(read_call("m", [asked], Options(tools=(tool,))))


def feed(reader: Filter, text: str) -> None:
    for character in text:
        reader.feed(character)
    reader.finish()


def model_call(text: str) -> ModelCall:
    call = ModelCall(
        model=model(4096),
        messages=(Message(role=Role.USER, content="Why?"),),
        purpose=CallPurpose.ANSWER,
        layer_number=1,
    )
    call.add_text(text)
    return call


TANGLED = [
    *(
        "\n",
        " ",
        "@",
        "\\@",
        "&#64;",
        "&",
        "*",
        "`",
        "```\n",
        "```x\n",
        "~~~\n",
        "---\n",
        "<",
        "</b>",
    ),
    *(
        "a ",
        "self ",
        "self_",
        "self_score",
        "self_score ",
        "R1 ",
        "R 1",
        "reference ",
        "0",
        "0,",
        "0.5/1",
    ),
    *(
        "{",
        "}",
        "[",
        "[{",
        '{"self_score": ',
        "1e",
        "-",
        "assessment ",
        "self-assessment: ",
        "**a** ",
    ),
    *("# assessment\n", "@@assessment ", "@@assessment {", "nonce ", "grades [0.5, ", "\\"),
]


def marked(text: str) -> None:
    """Marks a reply to questions of every kind."""
    for checker in CHECKERS:
        checker.check(Reply(text))


def answer_text(text: str) -> None:
    """Reads a text as a query and as an answer to it."""
    answer_features(read_query(text), [text])


WORST = {
    marked: [
        *(
            repeated(part)
            for part in ("\n", " ", "{", '{"a":', "**", "**a", "__ ", "```\n", "```py ")
        ),
        *(
            repeated(part)
            for part in ("<think>", "Answer: ", "answer ", "\\boxed{", "\\text{", "a-")
        ),
        *(
            repeated(part)
            for part in ("1", "1 111", "1,", "1.111,", "- ", "/1", "\\frac{1", "^{1", "=")
        ),
        between("Answer:", " ", "x"),
        between("Answer: a", " ", ", b"),
        repeated("answer``` "),
        between("Answer: 1.234", " ", ""),
        between("Answer: Anna stands here", "!", ""),
        between("```python", " ", "x"),
        between("```python\n", "x", ""),
        between("**", "a", "*"),
    ],
    labels: [
        *(repeated(part) for part in ("R1 ", "R", "R1", "@", "@end 7f ", "@end 7f3a9c2e1")),
        between("@reference", " ", "7f"),
    ],
    answer_key: [
        between("the answer is", " ", "!"),
        between("the answer is :", "\n", "!"),
        between("answer", " ", "!"),
        repeated("answer "),
        repeated("the answer is : "),
        repeated('"answer"'),
        between('"answer"', " ", ""),
        repeated('"answer":"\\'),
        repeated('"answer":"\\"'),
        between('"answer":"', "\n", "\\\n"),
        between("", "{", "}"),
        between('{"answer":', "[", "}"),
        between('{"answer":', "1", "}"),
        between('{"answer":"', "\\left$ ", '"}'),
        repeated("\\boxed{"),
        between("\\boxed{", "$\\left", "}"),
        between("", "(", "a!"),
        between("a" * 31, " ", "!"),
        between("a", ".", "!"),
    ],
    answer_text: [
        *(repeated(part) for part in ("1", "1,", "1.1 ", "1+", "1 + 1 = ", "-", "9.9*", "a-")),
        *(repeated(part) for part in ("A. x\n", "(A", "answer is ", "option ", "answer:* ", "$")),
        between("1", " ", "= 2"),
        between("answer is", "*", "A"),
        between("A.", "x", "\n"),
    ],
    agreement: [repeated("a "), between("the answer is", " ", "!")],
    reply: [
        between("```json", "\n", "x"),
        between("```", " ", "x"),
        between("```json\n", "\n```x", ""),
        between("```json\n", "\n", "```x"),
        repeated("@"),
        repeated("@@assessment"),
        repeated(f"{MARK} "),
        repeated("@@end 7f3a9c2 "),
        between(f'{MARK} {{"grades": {{', '"R1":1,', "}}"),
        between(f"x\n{MARK} ", '{"a":', ""),
        between('{"self_score": ', "1", "}"),
        *(between(f"{MARK} ", part, "") for part in TANGLED),
        *(between("x\n", part, f"\n{MARK} {{}}") for part in TANGLED),
        *(between("x\n", part, "\n@@assessment {}\nx") for part in ("@@assessment 1\n", "```\n")),
        *(between("x\n", part, f":\n{MARK} {{}}") for part in ("a ", "score ")),
        repeated('@@assessment {"grades": "x"}\n'),
        repeated('```\n@@assessment {"self_score": 1}\n'),
        *(repeated(f"{part} {NONCE}") for part in ("x", "x\n", "self_score 0.5", "[{", "```\n")),
    ],
    verdict: [
        repeated(f"@@moderation {NONCE} "),
        between(f"@@moderation {NONCE} ", '{"over":', ""),
    ],
    filtered: [
        *(repeated(part) for part in ("@", "\\@", "@@assessmen", "7f3a9c2", f"@@end {NONCE} R1 ")),
        between("@@end 7f3a9c2", "x", ""),
        between(" ", "\n", NONCE),
    ],
    held_then_filtered: [repeated("@@end 7f3a9c2 "), repeated(f"@@end {NONCE} R1 ")],
    without_reasoning: [
        repeated(" "),
        between("<think>", "<", ""),
        between("<think></think>", " ", ""),
        repeated("<"),
    ],
    events: [between("data: ", "x", "\n\n"), repeated("data:\n"), repeated("\n")],
    mended: [repeated("\ud83d"), repeated("\udd77"), repeated("\0"), repeated("\ud83d\udd77x")],
    replied: [
        repeated("\r"),
        repeated("\r\n"),
        repeated("data: {}\n"),
        repeated("data: {}\n\n"),
        between('data: {"choices":[', "{},", "{}]}\n\n"),
        between("{", "}\n", "\n\n"),
        between("data: ", "}", "\n"),
        between("{", "\n{", ""),
        repeated("event: error\ndata: x\n"),
        repeated('error: {"a":1}\n'),
        *(repeated(_EVENT.replace("$", part)) for part in TOOL_PARTS),
    ],
    failed: [
        repeated('{"error":'),
        repeated('[{"error":'),
        repeated("sk-test-0123"),
        repeated("\u202e "),
        repeated("FinishReason."),
    ],
    header: [repeated("1"), between("1", ".1", "x"), between("Fri, ", "1 ", "")],
    exchanged: [repeated("x")],
    called: [repeated("x")],
    resumed: [between(" ", "\n", "x"), between("\n \n", "\n", "x")],
    received: [
        *(repeated(part) for part in (" A", " A and", "1.", "-")),
        repeated(f"@@end {NONCE} R1 "),
        between("@@end 7f3a9c2e R1", " ", "x"),
        repeated(" "),
        repeated("_"),
        repeated("\u00e4-"),
        between(f"@@references {NONCE}\n", f"@@reference {NONCE} R1\n", f"@@end {NONCE} R1"),
        between(f"x\n\n@@references {NONCE}\n", f"@@reference {NONCE} R1\n", f"@@end {NONCE} R2"),
    ],
}
CASES = [
    pytest.param(read, text, id=f"{read.__name__}-{text(24)!r}")
    for read, texts in WORST.items()
    for text in texts
]


@pytest.mark.parametrize(("read", "text"), CASES)
def test_four_times_the_text_takes_about_four_times_as_long(
    read: Callable[[str], object], text: Callable[[int], str]
) -> None:
    small_s = least_cpu_s(read, text(SMALL))
    assert small_s < MAX_SMALL_S
    large_s = least_cpu_s(read, text(LARGE))
    assert large_s < MAX_LARGE_S
    assert large_s < MAX_RATIO * max(small_s, MEASURABLE_S)


def least_cpu_s(read: Callable[[str], object], text: str) -> float:
    """Returns the least CPU time of several readings: other processes do not count, nor does chance."""
    least_s = float("inf")
    for _ in range(RUNS):
        started_s = time.process_time()
        read(text)
        least_s = min(least_s, time.process_time() - started_s)
        if least_s > MAX_LARGE_S:
            break  # it fails as it is
    return least_s
