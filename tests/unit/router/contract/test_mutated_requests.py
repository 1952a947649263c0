"""Any request for an answer is read, or refused by names of its fields, and in time."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

import pytest
from google.protobuf.message import DecodeError

from routemoa.errors import FieldViolation, InvalidFieldError
from routemoa.v1 import router_service_pb2 as pb
from services.router.contract.conversations import read_conversation
from services.router.contract.request_options import read_options
from services.rpc.validation import Violations
from tests.integration.mutated_messages import Mutator
from tests.integration.test_mutated_messages import SEEDS

if TYPE_CHECKING:
    from collections.abc import Sequence

SEED = 20_261_130
COUNT = 1_000


def violations_of(request: pb.GenerateAnswerRequest, strategy: str) -> Sequence[FieldViolation]:
    """Reads a request; returns what is wrong with it."""
    try:
        read(request, strategy)
    except InvalidFieldError as error:
        return error.violations or [FieldViolation(field="", description="")]
    return ()


def read(request: pb.GenerateAnswerRequest, strategy: str) -> None:
    violations = Violations()
    options = read_options(request.options, strategy, violations)
    conversation = read_conversation(request.messages, violations, cache_salt="", options=options)
    violations.raise_if_any()
    assert conversation.query.strip()
    assert conversation.tokens > 0
    assert conversation.most_tokens > 0
    assert conversation.needs >= set()


@pytest.mark.parametrize("strategy", ["single", "routemoa"])
def test_any_request_is_read_or_refused_by_the_names_of_its_fields(strategy: str) -> None:
    words = ["legs", "1", '{"type": "object"}', '{"$ref": "#"}', "https://a/", "image/png", "none"]
    mutator = Mutator(random.Random(f"{SEED} {strategy}"), words)
    accepted = refused = 0
    started_s = time.process_time()
    for _ in range(COUNT):
        try:
            data = mutator.mutated(SEEDS["RouterService/GenerateAnswer"])
            request = pb.GenerateAnswerRequest.FromString(data)
        except DecodeError:
            continue
        named = violations_of(request, strategy)
        accepted += not named
        refused += bool(named)
        assert all(violation.field and violation.description for violation in named)
    assert accepted > COUNT / 50
    assert refused > COUNT / 10
    assert time.process_time() - started_s < 60
