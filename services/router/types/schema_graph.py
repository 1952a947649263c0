"""A JSON schema as a graph, by which the work of checking a value is bounded before it is done.

References make a short schema stand for a huge one: twenty definitions of which each names the next one
twice take a validator a million steps. So the steps are counted first, which is cheap.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from heapq import heapify, heappop, heappush
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from services.router.types.json_text import JsonValue

    _Counts = dict["_Node", int]
    """Schemas, and the number of times that each applies to a value."""

MAX_UNFOLDED = 5_000
"""Most schemas that apply to one value, with each reference replaced by its target."""
_MAX_KEPT = 1_000
"""Most sets of schemas that are kept for the next value: a recursive schema has any number of them."""
_IN_PLACE = ("not", "if", "then", "else")
_IN_PLACE_LISTS = ("allOf", "anyOf", "oneOf")
_IN_PLACE_MAPS = ("dependentSchemas", "dependencies")
_MEMBERS = ("additionalProperties", "unevaluatedProperties")
_ITEMS = ("items", "additionalItems", "unevaluatedItems", "contains")
_ITEM_LISTS = ("prefixItems", "items")
_TWICE = frozenset({"unevaluatedProperties", "unevaluatedItems"})
"""Keywords for which a validator goes through the schemas in place once more."""
_FORBIDDEN = ("$dynamicRef", "$recursiveRef")
_LOOKS_AROUND = re.compile(r"\(\?[=!<>]|\\[1-9k]")
"""Marks of patterns that take more than linear time."""
_LINEAR_STEP, _OTHER_STEP = 1 / 50, 4
"""Steps per character of a text that a pattern is compared with."""


class SchemaGraphError(ValueError):
    """Raised for a schema that cannot be checked safely; its text gives the reason."""


@dataclass(slots=True, eq=False)
class _Node:
    """A schema, and those within it by the values that they apply to."""

    rank: int = -1
    """Position in an order in which each schema precedes those in place within it."""
    in_place: list[_Node] = field(default_factory=list)
    properties: dict[str, _Node] = field(default_factory=dict)
    members: list[_Node] = field(default_factory=list)
    names: list[_Node] = field(default_factory=list)
    items: list[_Node] = field(default_factory=list)
    text_step: float = 0
    """Steps per character of a text."""
    name_step: float = 0
    """Steps per character of the names in an object."""
    twice: bool = False


class _Applied:
    """The schemas that apply to a value, and those that apply to the values within it.

    Args:
        counts: The schemas, those in place included.
        applied: Returns the same for the schemas that are given, without those in place.
    """

    def __init__(self, counts: _Counts, applied: Callable[[_Counts], _Applied]) -> None:
        self._counts, self._apply = counts, applied
        self.steps = sum(counts.values())
        self.text_step = sum(node.text_step * count for node, count in counts.items())
        self.name_step = sum(node.name_step * count for node, count in counts.items())
        self._own = [(n.properties, count) for n, count in counts.items() if n.properties]
        self._by_name: dict[str, _Applied] = {}

    @cached_property
    def items(self) -> _Applied | None:
        """The schemas of each item of a list; None if there are none."""
        return self._below(attrgetter("items"))

    @cached_property
    def _names(self) -> _Applied | None:
        return self._below(attrgetter("names"))

    @cached_property
    def _members(self) -> _Applied | None:
        return self._below(attrgetter("members"))

    @cached_property
    def _known_names(self) -> frozenset[str]:
        return frozenset(chain.from_iterable(properties for properties, _ in self._own))

    def members(self, value: dict[str, Any]) -> Iterator[tuple[_Applied, JsonValue]]:
        """Yields the names and values of an object with their schemas, as far as they have any."""
        if self._names is not None:
            yield from ((self._names, name) for name in value)
        for name, child in value.items():
            applied = self._property(name) if name in self._known_names else self._members
            if applied is not None:
                yield applied, child

    def _property(self, name: str) -> _Applied:
        applied = self._by_name.get(name)
        if applied is None:
            counts = self._counts_below(attrgetter("members"))
            for properties, count in self._own:
                if name in properties:
                    part = properties[name]
                    counts[part] = counts.get(part, 0) + count
            applied = self._by_name[name] = self._apply(counts)
        return applied

    def _below(self, schemas: Callable[[_Node], list[_Node]]) -> _Applied | None:
        counts = self._counts_below(schemas)
        return self._apply(counts) if counts else None

    def _counts_below(self, schemas: Callable[[_Node], list[_Node]]) -> _Counts:
        below: _Counts = {}
        for node, count in self._counts.items():
            for part in schemas(node):
                below[part] = below.get(part, 0) + count
        return below


class SchemaGraph:
    """The graph of a schema.

    Args:
        schema: The schema.

    Raises:
        SchemaGraphError: It refers to other documents or in place to itself, or unfolds to too much.
    """

    def __init__(self, schema: dict[str, Any]) -> None:
        self._schema = schema
        self._any = _Node()
        """A schema that is true or false, or none at all."""
        self._nodes: dict[int, _Node] = {}
        self._pending: list[tuple[_Node, dict[str, Any]]] = []
        self._root = self._node(schema)
        while self._pending:
            self._read(*self._pending.pop())
        self._ranked = _ranked([self._any, *self._nodes.values()])
        _check_size(self._ranked)
        self._kept_count = 0
        self._first = self._applied({self._root: 1})

    def steps(self, value: JsonValue, limit: int) -> int:
        """Returns the most steps that a check of a value takes; a number above the limit if more."""
        steps = 0.0
        if self._kept_count > _MAX_KEPT:
            self._kept_count = 0
            self._first = self._applied({self._root: 1})
        pending = [(self._first, value)]
        while pending and steps <= limit:
            applied, item = pending.pop()
            steps += applied.steps
            if isinstance(item, str):
                steps += len(item) * applied.text_step
            elif isinstance(item, list) and applied.items is not None:
                pending += [(applied.items, child) for child in item]
            elif isinstance(item, dict):
                steps += sum(map(len, item)) * applied.name_step
                pending += applied.members(item)
        return int(min(steps, limit + 1))

    def _applied(self, above: _Counts) -> _Applied:
        """Returns the schemas given and those in place within them, each as often as it applies."""
        self._kept_count += 1
        counts = dict(above)
        ranks = [node.rank for node in counts]
        heapify(ranks)
        while ranks:
            node = self._ranked[heappop(ranks)]
            for below in node.in_place:
                if below not in counts:
                    counts[below] = 0
                    heappush(ranks, below.rank)
                counts[below] += counts[node]
        return _Applied(counts, self._applied)

    def _node(self, schema: object) -> _Node:
        if not isinstance(schema, dict):
            return self._any
        node = self._nodes.get(id(schema))
        if node is None:
            node = self._nodes[id(schema)] = _Node()
            self._pending.append((node, schema))
        return node

    def _read(self, node: _Node, schema: dict[str, Any]) -> None:
        if schema is not self._schema:
            self._refuse_own_base(schema)
        for name in _FORBIDDEN:
            if name in schema:
                message = f"uses {name}, which is not supported"
                raise SchemaGraphError(message)
        reference = schema.get("$ref")
        if isinstance(reference, str):
            node.in_place.append(self._node(self._target(reference)))
        node.twice = not _TWICE.isdisjoint(schema)
        node.in_place += map(self._node, _parts(schema, _IN_PLACE, _IN_PLACE_LISTS, _IN_PLACE_MAPS))
        properties = schema.get("properties")
        if isinstance(properties, dict):
            node.properties = {name: self._node(part) for name, part in properties.items()}
        node.members += map(self._node, _parts(schema, _MEMBERS, (), ("patternProperties",)))
        node.names += map(self._node, _parts(schema, ("propertyNames",), (), ()))
        node.items += map(self._node, _parts(schema, _ITEMS, _ITEM_LISTS, ()))
        pattern = schema.get("pattern")
        if isinstance(pattern, str):
            node.text_step = _step(pattern)
        named = schema.get("patternProperties")
        if isinstance(named, dict):
            node.name_step = sum(map(_step, named))

    def _refuse_own_base(self, schema: dict[str, Any]) -> None:
        """Refuses a schema within the whole one that its references do not start from."""
        old = "draft-04" in str(self._schema.get("$schema"))
        if "$schema" in schema or isinstance(schema.get("id" if old else "$id"), str):
            message = "has $id or $schema in a schema within it"
            raise SchemaGraphError(message)

    def _target(self, reference: str) -> object:
        if not (reference == "#" or reference.startswith("#/")):
            message = (
                "refers to another document or by an anchor; references have the form #/$defs/name"
            )
            raise SchemaGraphError(message)
        found: object = self._schema
        for part in unquote(reference).split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            if isinstance(found, dict):
                found = found.get(key)
            elif isinstance(found, list) and key.isdecimal() and int(key) < len(found):
                found = found[int(key)]
            else:
                found = None
        if not isinstance(found, dict | bool):
            message = "has a reference to something that it does not hold"
            raise SchemaGraphError(message)
        return found


def _parts(
    schema: dict[str, Any], names: Iterable[str], lists: Iterable[str], maps: Iterable[str]
) -> Iterator[object]:
    """Yields the schemas in those keywords."""
    yield from (schema[name] for name in names if isinstance(schema.get(name), dict))
    for name in lists:
        if isinstance(schema.get(name), list):
            yield from schema[name]
    for name in maps:
        if isinstance(schema.get(name), dict):
            yield from schema[name].values()


def _step(pattern: str) -> float:
    return _OTHER_STEP if _LOOKS_AROUND.search(pattern) else _LINEAR_STEP


def _ranked(nodes: list[_Node]) -> list[_Node]:
    """Returns the schemas so that each precedes those in place within it."""
    above = dict.fromkeys(nodes, 0)
    for node in nodes:
        for below in node.in_place:
            above[below] += 1
    ranked = [node for node, count in above.items() if not count]
    for node in ranked:  # grows while it is read
        for below in node.in_place:
            above[below] -= 1
            if not above[below]:
                ranked.append(below)
    if len(ranked) < len(nodes):
        message = "has a reference that leads back to itself without end"
        raise SchemaGraphError(message)
    return ranked


def _check_size(ranked: list[_Node]) -> None:
    sizes: dict[_Node, int] = {}
    for rank, node in reversed(list(enumerate(ranked))):
        node.rank = rank
        below = sum(sizes[part] for part in node.in_place)
        sizes[node] = 1 + (2 * below if node.twice else below)
        if sizes[node] > MAX_UNFOLDED:
            message = f"has more than {MAX_UNFOLDED:,} schemas for one value behind its references"
            raise SchemaGraphError(message)
