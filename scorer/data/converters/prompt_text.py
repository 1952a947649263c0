"""Returns the text of a prompt that the router would rank: the user's messages."""

from __future__ import annotations

import json

_USERS = frozenset(("user", "human"))
_OTHERS = frozenset(("system", "developer", "assistant", "ai", "tool", "function", "model"))
_KEYS = (
    *("messages", "query", "question", "prompt", "input", "instruction", "user_input"),
    *("text", "content", "kwargs", "args"),
)
"""Fields of an object that hold a prompt, the likeliest first."""
MAX_DEPTH = 8


def prompt_text(value: object, depth: int = MAX_DEPTH) -> str:
    """Returns a text, the text of chat messages, or that of an object with either; else nothing.

    Of messages, only the user's count, as in the router. A text that is a JSON list of messages, or
    a JSON object, is read as such.
    """
    text = ""
    if depth == 0 or isinstance(value, bool):
        return text
    if isinstance(value, str):
        text = _of_json(value, depth) or value
    elif isinstance(value, int | float):
        text = str(value)
    elif isinstance(value, list):
        text = _of_messages(value, depth)
    elif isinstance(value, dict):
        text = _of_object(value, depth)
    return text


def _of_json(text: str, depth: int) -> str:
    """Returns the text of messages that are written as JSON."""
    stripped = text.strip()
    if not stripped.startswith(("[{", '{"')) and not stripped.startswith(("[\n", "{\n")):
        return ""
    try:
        value = json.loads(stripped)
    except (ValueError, RecursionError):
        return ""
    return prompt_text(value, depth - 1) if _is_chat(value) else ""


def _is_chat(value: object) -> bool:
    if isinstance(value, dict):
        return _is_chat(value.get("messages")) or "role" in value
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(each, dict) and _role(each) for each in value)
    )


def _of_messages(values: list[object], depth: int) -> str:
    """Returns the user's messages, or all parts where they have no role."""
    texts: list[str] = []
    for value in values:
        role = _role(value) if isinstance(value, dict) else ""
        if isinstance(value, dict) and role:
            text = prompt_text(value.get("content"), depth - 1) if role in _USERS else ""
        else:
            text = prompt_text(value, depth - 1)
        if text.strip():
            texts.append(text)
    return "\n".join(texts)


def _of_object(value: dict[str, object], depth: int) -> str:
    if _role(value):
        return _of_messages([value], depth)
    for key in _KEYS:
        text = prompt_text(value.get(key), depth - 1)
        if text.strip():
            return text
    texts = [each for each in value.values() if isinstance(each, str)]
    return texts[0] if len(texts) == 1 else ""


def _role(message: dict[str, object]) -> str:
    """Returns a message's role; LangChain's messages have it as their type."""
    for name in ("role", "type"):
        role = message.get(name)
        if isinstance(role, str) and role.casefold() in _USERS | _OTHERS:
            return role.casefold()
    return ""
