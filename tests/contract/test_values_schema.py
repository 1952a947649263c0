"""The chart's schema of values, which is partly generated."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA = Path(__file__).parents[2] / "deploy/k8s/routemoa/values.schema.json"


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for child in node.values():
            yield from references(child)
    elif isinstance(node, list):
        for child in node:
            yield from references(child)


def test_every_reference_of_the_schema_leads_somewhere() -> None:
    schema = json.loads(SCHEMA.read_text())
    named = {f"#/$defs/{name}" for name in schema["$defs"]}
    assert set(references(schema)) <= named
