"""What a check of a pool finds that a model can do, and the line that it proposes."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import pytest

from services.router.backends.http.attempt_failure import AttemptFailedError
from services.router.backends.http.exchange import Exchange
from services.router.check.capability_probe import found_capabilities, proposed_capabilities
from services.router.check.proposal import TestCall as ProbeCall
from services.router.types.ledger import CallStatus
from services.router.types.options import Capability
from services.router.types.pieces import LogProbabilitiesPiece, TokenLogProbability, ToolCallPiece
from tests.unit.router.runs import pool_model

if TYPE_CHECKING:
    from services.router.types.messages import Message
    from services.router.types.options import GenerationOptions

EVERYTHING = frozenset(
    {"tools", "parallel_tools", "json_object", "json_schema", "images", "log_probabilities"}
)


class Backend:
    """A backend that can do what it is told to, and records what it was sent."""

    def __init__(self, *abilities: str, refuses: bool = False) -> None:
        self.abilities, self.refuses = abilities, refuses
        self.asked: list[tuple[tuple[Message, ...], GenerationOptions]] = []

    async def probe(self, messages: tuple[Message, ...], options: GenerationOptions) -> ProbeCall:
        self.asked.append((messages, options))
        needs = {
            "images": bool(messages[0].media),
            "tools": bool(options.tools),
            "log_probabilities": options.top_log_probabilities is not None,
        }
        lacks = any(need and name not in self.abilities for name, need in needs.items())
        refused = AttemptFailedError(CallStatus.REJECTED, http_status=400)
        exchange = Exchange(model=pool_model("a"), base_url="", messages=messages, options=options)
        return ProbeCall(
            exchange=exchange,
            failure=refused if self.refuses and lacks else None,
            timed_out=False,
            duration_s=0.1,
            pieces=self._pieces(options),
        )

    def _text(self, options: GenerationOptions) -> str:
        form = options.json_format
        if form is None:
            return "Eight."
        if form.schema_json and "json_schema" in self.abilities:
            return '{"legs_of_a_spider": 8}'
        return '{"answer": 8}' if "json_object" in self.abilities else "Eight."

    def _pieces(
        self, options: GenerationOptions
    ) -> tuple[str | ToolCallPiece | LogProbabilitiesPiece, ...]:
        if options.tools and "tools" in self.abilities:
            count = 2 if "parallel_tools" in self.abilities else 1
            return tuple(ToolCallPiece(call_index=n, name="get_weather") for n in range(count))
        if options.top_log_probabilities and "log_probabilities" in self.abilities:
            token = TokenLogProbability(token="Eight", log_probability=-0.1)
            return (LogProbabilitiesPiece(tokens=(token,)),)
        return (self._text(options),)


@pytest.mark.parametrize(
    "abilities",
    [
        EVERYTHING,
        EVERYTHING - {"parallel_tools"},
        EVERYTHING - {"tools", "parallel_tools"},
        EVERYTHING - {"json_schema"},
        EVERYTHING - {"images"},
        EVERYTHING - {"log_probabilities"},
        frozenset[str](),
    ],
)
async def test_what_a_backend_shows_is_found(abilities: frozenset[str]) -> None:
    backend = Backend(*abilities, refuses=True)
    found = await found_capabilities(backend.probe)
    assert {capability.value for capability in found} == abilities
    assert len(backend.asked) == 5


async def test_a_backend_that_ignores_what_it_does_not_know_is_not_believed() -> None:
    found = await found_capabilities(Backend().probe)
    assert found == {Capability.IMAGES}  # an image that is ignored cannot be told from one seen


async def test_a_call_to_a_tool_that_does_not_exist_is_none() -> None:
    backend = Backend("tools")
    backend._pieces = lambda _: (ToolCallPiece(call_index=0, name="other"),)  # type: ignore[method-assign,assignment]
    assert Capability.TOOLS not in await found_capabilities(backend.probe)


async def test_the_image_is_a_whole_png() -> None:
    backend = Backend()
    await found_capabilities(backend.probe)
    (image,) = (medium for messages, _ in backend.asked for medium in messages[0].media)
    data = image.data
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    at = 8
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        body = data[at + 4 : at + 8 + length]
        assert struct.pack(">I", zlib.crc32(body)) == data[at + 8 + length : at + 12 + length]
        at += 12 + length
    assert body == b"IEND"


def test_the_proposal_keeps_what_no_test_call_can_show() -> None:
    model = pool_model("a", capabilities=["tools", "audio", "reasoning", "files"])
    found = frozenset({Capability.JSON_OBJECT, Capability.TOOLS})
    proposed = proposed_capabilities(model, found)
    assert proposed == ("tools", "json_object", "audio", "files", "reasoning")
    right = pool_model("a", capabilities=list(proposed))
    assert proposed_capabilities(right, found) is None


def test_a_capability_that_is_not_shown_is_proposed_to_go() -> None:
    model = pool_model("a", capabilities=["tools", "images"])
    assert proposed_capabilities(model, frozenset({Capability.IMAGES})) == ("images",)
