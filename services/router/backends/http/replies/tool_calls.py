"""Reads calls to tools from replies, whatever form they come in: fragments or wholes -> pieces.

Servers differ: calls come in fragments by index, or whole; without index or id; with one index or id
for several calls; with arguments as an object; with a name in parts, or repeated in every fragment.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from services.router.backends.http.replies.well_formed import WellFormedStream, well_formed
from services.router.types.pieces import ToolCallPiece

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

MAX_TOOL_CALLS = 128
_MAX_ID_CHARACTERS = 256
"""A longer id is replaced."""
_MAX_NAME_PARTS = 64
_MAX_HELD_CHARACTERS = 1 << 16
"""Characters of arguments that may come before the name."""


class ToolCallError(ValueError):
    """Raised for a call to a tool that cannot be read."""


@dataclass(slots=True, kw_only=True, eq=False)
class _Call:
    index: int
    given_id: str
    id: str
    name: str = ""
    name_parts: int = 0
    held_characters: int = 0
    held: list[str] = field(default_factory=list)
    """Arguments that came before the name."""
    is_shown: bool = False
    """True once its first piece has been given out."""
    has_arguments: bool = False
    form: WellFormedStream = field(default_factory=WellFormedStream)


class ToolCallReader:
    """Reads the calls of one reply.

    Args:
        names: The names of the tools that may be called.
        only_one: True if calls after the first are dropped.
    """

    def __init__(self, names: Collection[str], *, only_one: bool = False) -> None:
        self._names = frozenset(names)
        self._only_one = only_one
        self._calls: list[_Call] = []
        self._by_index: dict[object, _Call] = {}
        self._by_id: dict[str, _Call] = {}

    @property
    def has_calls(self) -> bool:
        """True once a call has begun."""
        return bool(self._calls)

    def read(self, values: object, *, whole: bool = False) -> Iterator[ToolCallPiece]:
        """Yields the pieces in the value of a `tool_calls` field.

        Args:
            values: The value, parsed from JSON.
            whole: True if each item is a whole call.

        Raises:
            ToolCallError: The value is no list of calls, or there are too many calls.
        """
        if isinstance(values, dict):  # older versions of TGI
            values = [values]
        if not isinstance(values, list):
            raise ToolCallError("no list")
        for value in values:
            if not isinstance(value, dict):
                raise ToolCallError("no object")
            function = value.get("function")
            if not isinstance(function, dict):
                function = value  # some gateways leave the inner object out
            index = value.get("index", function.get("index"))
            yield from self._read(index, value.get("id"), function, whole=whole)

    def read_function(self, function: object) -> Iterator[ToolCallPiece]:
        """Yields the pieces in the value of the older field `function_call`, which holds one call.

        Raises:
            ToolCallError: The value is no call.
        """
        if not isinstance(function, dict):
            raise ToolCallError("no object")
        yield from self._read(0, None, function, whole=False)

    def finish(self) -> Iterator[ToolCallPiece]:
        """Yields what has been held until the end."""
        for call in self._calls:
            rest = call.form.finish()
            if rest or not call.is_shown:
                yield from self._pieces(call, rest)

    def _read(
        self, index: object, given_id: object, function: dict[str, Any], *, whole: bool
    ) -> Iterator[ToolCallPiece]:
        id_ = given_id if isinstance(given_id, str) else ""
        name = function.get("name")
        name = name if isinstance(name, str) else ""
        arguments = function.get("arguments", function.get("parameters"))
        is_object = isinstance(arguments, dict | list)
        call = None if whole else self._known(index, id_, name)
        if call is None:
            call = self._new(index, id_)
        if not call.is_shown and call.name_parts < _MAX_NAME_PARTS and name != call.name:
            call.name += well_formed(name)
            call.name_parts += 1
        text = json.dumps(arguments, ensure_ascii=False) if is_object else arguments
        if not isinstance(text, str | None):
            raise ToolCallError("arguments are no text")
        if is_object and call.has_arguments:
            return  # some servers repeat a whole call at its end
        call.has_arguments = call.has_arguments or bool(text)
        text = call.form.feed(text) if text else ""
        if not call.name:
            call.held.append(text)
            call.held_characters += len(text)
            if call.held_characters > _MAX_HELD_CHARACTERS:
                raise ToolCallError("no name")
        elif text or call.held or whole or call.name in self._names:
            yield from self._pieces(call, text)

    def _known(self, index: object, id_: str, name: str) -> _Call | None:
        """Returns the call that a fragment continues; None if it begins one."""
        call = self._by_id.get(id_) if id_ else None
        if isinstance(index, int):
            at_index = self._by_index.get(index)
            if at_index is None or call is None:
                call = at_index
            if call is None or (id_ and call.given_id and id_ != call.given_id and name):
                return None  # one index for several calls
        elif call is None:
            last = self._calls[-1] if self._calls else None
            begins = id_ or (name and last is not None and last.name)
            call = None if begins else last
        if call is None:
            return None
        return None if name and call.is_shown and name != call.name else call

    def _new(self, index: object, id_: str) -> _Call:
        if len(self._calls) >= MAX_TOOL_CALLS:
            raise ToolCallError("too many calls")
        clean = well_formed(id_)
        usable = 0 < len(clean) <= _MAX_ID_CHARACTERS and id_ not in self._by_id
        call = _Call(index=len(self._calls), given_id=id_, id=clean if usable else new_call_id())
        self._calls.append(call)
        if isinstance(index, int):
            self._by_index[index] = call
        if id_:
            self._by_id[id_] = call
        return call

    def _pieces(self, call: _Call, text: str) -> Iterator[ToolCallPiece]:
        if self._only_one and call.index > 0:
            return
        if call.is_shown:
            if text:
                yield ToolCallPiece(call_index=call.index, arguments_json=text)
            return
        call.is_shown = True
        text = "".join([*call.held, text])
        call.held.clear()
        yield ToolCallPiece(call_index=call.index, id=call.id, name=call.name, arguments_json=text)


def new_call_id() -> str:
    """Returns an id for a call whose server gave none."""
    return f"call_{secrets.token_hex(4)}"
