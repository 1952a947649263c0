"""Reads the recorded answers of routing records: from the records, or from a file beside them.

``train.jsonl.gz [+ responses_train.jsonl.gz] -> id -> model -> text of the answer``
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scorer.data.lines import NotAnObjectError, Problems, numbered_lines, parse_object
from scorer.data.records import RecordsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    Responses = dict[str, Mapping[str, str]]

PREFIX = "responses_"
"""Begins the name of the file of answers beside a file of records."""


def read_responses(records: Path) -> Responses:
    """Returns the answers by the id of their record and by model; none, where there are none.

    Args:
        records: The file of records. A file beside it whose name is ``responses_`` and its name comes
            first; without one, the field ``responses`` of the records is read.

    Raises:
        RecordsError: A line is no object, or its ``responses`` are not texts by model.
    """
    beside = records.with_name(f"{PREFIX}{records.name}")
    path = beside if beside.is_file() else records
    problems = Problems()
    found: Responses = {}
    for number, line in numbered_lines(path, problems):
        try:
            fields = parse_object(line)
        except NotAnObjectError as error:
            problems.add(f"line {number}: {error}")
            continue
        responses = fields.get("responses")
        if responses is None:
            continue
        if not isinstance(responses, dict) or not all(
            isinstance(text, str) for text in responses.values()
        ):
            problems.add(f"line {number}: responses must be an object of texts by model")
        elif fields.get("id") is None:
            problems.add(f"line {number}: a record with responses must have an id")
        else:
            found[str(fields["id"])] = responses
    if problems:
        raise RecordsError(path, problems.listed, unlisted=problems.unlisted)
    return found
