"""Messages that no client sends: valid ones with odd values, and bytes that are nearly a message."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from google.protobuf.descriptor import FieldDescriptor

if TYPE_CHECKING:
    import random

    from google.protobuf.message import Message

_TEXTS = ["", " ", "\0", "a", "x" * 300, "é漢🙂", "\u202e]", "../..", "%s{0}", "1e400", "-1", "{}"]
_FLOATS = [0.0, 0.5, 1.0, -0.0, -1.0, 1e308, math.nan, math.inf, -math.inf, 5e-324]
_INTEGERS = [0, 1, 2, 3, 255, 2**31 - 1]
_BYTES = [b"", b"\0", b"\xff" * 9, b"\x0a\x00", b"\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"]
_DEEPEST = 3
_MOST_ITEMS = 4
_MOST_CUTS = 5


class Mutator:
    """Makes messages from random numbers.

    Args:
        numbers: The random numbers.
        words: Texts that mean something to the services, e.g. ids of models.
    """

    def __init__(self, numbers: random.Random, words: list[str]) -> None:
        self._numbers = numbers
        self._words = words

    def mutated(self, seed: Message) -> bytes:
        """Returns a message like the seed, or bytes that are nearly one."""
        message = type(seed)()
        message.CopyFrom(seed)
        if self._numbers.random() < 0.7:
            self._change(message, depth=0)
        data = message.SerializeToString()
        return self._cut(data) if self._numbers.random() < 0.4 else data

    def _change(self, message: Any, depth: int) -> None:
        for field in message.DESCRIPTOR.fields:
            if self._numbers.random() > 0.2:
                continue
            if field.is_repeated:
                self._fill(message, field, depth)
            elif field.message_type is not None:
                if depth < _DEEPEST:
                    self._change(getattr(message, field.name), depth + 1)
            else:
                setattr(message, field.name, self._value(field))

    def _fill(self, message: Any, field: FieldDescriptor, depth: int) -> None:
        items = getattr(message, field.name)
        if self._numbers.random() < 0.3:
            message.ClearField(field.name)
        for _ in range(self._numbers.randrange(_MOST_ITEMS)):
            if field.message_type is None:
                items.append(self._value(field))
            elif not field.message_type.GetOptions().map_entry and depth < _DEEPEST:
                self._change(items.add(), depth + 1)

    def _value(self, field: FieldDescriptor) -> Any:
        choose = self._numbers.choice
        if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
            return choose(_BYTES if field.type == FieldDescriptor.TYPE_BYTES else self._texts)
        if field.cpp_type in {FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT}:
            return choose(_FLOATS)
        if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
            return choose([True, False])
        unsigned = {FieldDescriptor.CPPTYPE_UINT32, FieldDescriptor.CPPTYPE_UINT64}
        return choose(_INTEGERS) * (1 if field.cpp_type in unsigned else choose([1, 1, -1]))

    @property
    def _texts(self) -> list[str]:
        return self._words if self._numbers.random() < 0.5 else _TEXTS

    def _cut(self, data: bytes) -> bytes:
        """Returns the bytes after a few changes: other bytes, missing ones, some more, some twice."""
        changed = bytearray(data)
        for _ in range(self._numbers.randrange(1, _MOST_CUTS)):
            at = self._numbers.randrange(len(changed) + 1)
            end = min(len(changed), at + self._numbers.randrange(1, 9))
            kind = self._numbers.randrange(4)
            if kind == 0:
                changed[at:end] = self._numbers.randbytes(end - at)
            elif kind == 1:
                del changed[at:end]
            elif kind == 2:
                changed[at:at] = self._numbers.choice(_BYTES)
            else:
                changed[at:at] = changed[at:end]
        return bytes(changed)
