"""Makes text well-formed, so that every protocol, tokenizer and database takes it."""

from __future__ import annotations

import re

_ILL_FORMED = re.compile("[\ud800-\udfff\0]")
"""Surrogates, which JSON may escape one by one, and NUL, which databases refuse."""
_REPLACEMENT = "\ufffd"


def well_formed(text: str) -> str:
    """Returns the text with surrogate pairs joined; lone surrogates and NUL become U+FFFD."""
    if _ILL_FORMED.search(text) is None:
        return text
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return joined.replace("\0", _REPLACEMENT)


class WellFormedStream:
    """Makes a text well-formed that comes in pieces, even if a piece ends within a surrogate pair."""

    held = ""
    """The first half of a pair, until the second one comes."""

    def feed(self, text: str) -> str:
        """Takes more text and returns what is complete of it."""
        if text.isascii() and not self.held and "\0" not in text:
            return text
        if not text:
            return ""
        text, self.held = self.held + text, ""
        if "\ud800" <= text[-1] <= "\udbff":
            text, self.held = text[:-1], text[-1]
        return well_formed(text)

    def finish(self) -> str:
        """Returns the replacement of a half that was held."""
        held, self.held = self.held, ""
        return _REPLACEMENT if held else ""
