"""The error that holds a request's violations."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routemoa.errors import InvalidFieldError
from routemoa.rpc_status import to_status
from services.rpc.validation import MAX_QUERY_CHARACTERS, Violations, clipped, listed

MAX_TRAILERS_BYTES = 8192
"""The size of trailers above which gRPC may drop them."""


def raised(violations: Violations) -> InvalidFieldError:
    with pytest.raises(InvalidFieldError) as caught:
        violations.raise_if_any()
    return caught.value


def test_a_request_without_violations_passes() -> None:
    violations = Violations()
    violations.query("query", "x" * MAX_QUERY_CHARACTERS)
    violations.within("score", 1.0, 0, 1)
    violations.length("items", [1], 1, 1)
    violations.raise_if_any()


def test_all_violations_are_raised_together() -> None:
    violations = Violations()
    violations.query("a", "\t ")
    violations.query("b", "x" * (MAX_QUERY_CHARACTERS + 1))
    violations.within("c", math.nan, 0, 1)
    violations.length("d", [], 1, 2)
    error = raised(violations)
    assert [violation.field for violation in error.violations] == ["a", "b", "c", "d"]
    assert "4 in all" in error.message


@given(st.lists(st.tuples(st.text(max_size=300), st.text(max_size=3_000)), min_size=1, max_size=80))
def test_however_many_violations_there_are_the_error_fits_into_trailers(
    pairs: list[tuple[str, str]],
) -> None:
    violations = Violations()
    for field, description in pairs:
        violations.add(field, description)
    status = to_status(raised(violations))
    # The message travels once more beside the details, with up to three bytes for each of its own.
    assert status.ByteSize() + 3 * len(status.message.encode()) < MAX_TRAILERS_BYTES - 500


def test_a_violation_in_each_of_64_requests_is_named() -> None:
    violations = Violations()
    for index in range(64):
        violations.query(f"requests[{index}].query", "")
    assert len(raised(violations).violations) == 64


@given(st.text(), st.integers(3, 50))
def test_clipped_text_fits_and_is_whole_where_it_can_be(text: str, max_bytes: int) -> None:
    short = clipped(text, max_bytes)
    assert len(short.encode()) <= max_bytes
    assert short == text or text.startswith(short.removesuffix("..."))


def test_names_are_listed_with_commas() -> None:
    assert listed(["a", "b"]) == "a,b"
    assert listed(["x" * 5_000]).endswith("...")
