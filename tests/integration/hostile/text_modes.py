"""Malicious replies in well-formed HTTP: events, JSON, usage and text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.integration.hostile.modes import END, OPEN, delta, event, events, flood, raw, trickle

if TYPE_CHECKING:
    from tests.integration.hostile.modes import Mode

_TEXT = b'{"choices":[{"delta":{"content":"42"}}]}'
_STOP = b'{"choices":[{"delta":{},"finish_reason":"stop"}],"usage":%b}'
_SAID = b'{"choices":[{"delta":{"content":"%b"}}]}'


def _said(*texts: bytes) -> Mode:
    return events(*(_SAID % text for text in texts), _STOP % b"null")


EVENTS: dict[str, Mode] = {
    "comment_flood": flood(OPEN, b": ping\n\n"),
    "comment_trickle": trickle(OPEN, b": ping\n\n"),
    "empty_event_flood": flood(OPEN, b"data: {}\n\n"),
    "empty_delta_flood": flood(OPEN, delta("")),
    "empty_line_flood": flood(OPEN, b"\n"),
    "endless_line": flood(OPEN + b"data: ", b"a" * 1000),
    "endless_event": flood(OPEN, b"data:\n"),
    "other_fields_flood": flood(OPEN, b"event: x\nid: 1\nretry: 5\n"),
    "white_space_flood": flood(OPEN, delta(" ")),
    "text_flood": flood(OPEN, delta("word ")),
    "reasoning_flood": flood(OPEN + delta("<think>"), delta("hm ")),
    "large_events": flood(OPEN, delta("a" * 900_000)),
    "large_events_of_objects": flood(OPEN, event(b'{"a":[' + b"{}," * 300_000 + b"{}]}")),
    "large_event_of_keys": raw(
        OPEN, event(b"{%b}" % b",".join(b'"%d":[]' % n for n in range(80_000))), END
    ),
    "no_events": events(end=b""),
    "only_the_end": events(),
    "not_utf_8": events(_SAID % b"\xff\xfe"),
    "null": events(b"null", b"[]", b"1", b'"x"', b"NaN"),
    "deep_lists": events(b"[" * 200_000),
    "deep_objects": events(b'{"a":' * 100_000),
    "deep_but_valid": events(b'{"choices":' + b"[" * 900 + b"]" * 900 + b"}"),
    "digits": events(b'{"a":' + b"9" * 900_000 + b"}"),
    "decimals": events(b'{"a":0.' + b"9" * 900_000 + b"}"),
    "exponent": events(b'{"a":1e' + b"9" * 100_000 + b"}"),
    "content_is_an_object": events(b'{"choices":[{"delta":{"content":{"a":1}}}]}'),
    "choices_is_an_object": events(b'{"choices":{"a":1}}', b'{"choices":[null]}'),
    "delta_is_a_list": events(b'{"choices":[{"delta":[]}]}'),
    "error_object": events(b'{"error":{"message":"<script>","code":1e400}}'),
    "error_with_a_code": events(b'{"error":{"code":429}}'),
    "error_text": events(b'{"error":"x"}'),
    "error_with_digits": events(b'{"error":{"code":' + b"9" * 4000 + b"}}"),
}
USAGE: dict[str, Mode] = {
    f"usage_{name}": events(_TEXT, _STOP % usage)
    for name, usage in {
        "not_a_number": b'{"prompt_tokens":NaN,"completion_tokens":NaN}',
        "infinite": b'{"prompt_tokens":Infinity,"completion_tokens":1e999,"cost":Infinity}',
        "negative": b'{"prompt_tokens":-1000000,"completion_tokens":-1,"cost":-5}',
        "huge": b'{"prompt_tokens":2147483647,"completion_tokens":2147483647}',
        "huge_cost": b'{"prompt_tokens":1,"completion_tokens":1,"cost":999999}',
        "digits": b'{"prompt_tokens":' + b"9" * 5000 + b',"completion_tokens":1}',
        "cost_digits": b'{"prompt_tokens":1,"completion_tokens":1,"cost":' + b"9" * 400 + b"}",
        "zero": b'{"prompt_tokens":0,"completion_tokens":0,"cost":0}',
        "texts": b'{"prompt_tokens":"5","completion_tokens":[1]}',
        "deep": b"[" * 100_000,
        "twice": b'{"prompt_tokens":5,"prompt_tokens":0,"completion_tokens":9}',
        "booleans": b'{"prompt_tokens":true,"completion_tokens":false,"cost":true}',
        "details": b'{"prompt_tokens":1,"completion_tokens":1,'
        b'"prompt_tokens_details":{"cached_tokens":1e400},"completion_tokens_details":[[[]]]}',
    }.items()
}
TEXTS: dict[str, Mode] = {
    "lone_surrogate": _said(b"\\ud800 hi"),
    "split_surrogate": _said(b"a \\ud83d", b"\\ude00 b"),
    "nul": _said(b"a\\u0000b"),
    "terminal_codes": _said(
        b"\\u001b[2J\\u001b]0;owned\\u0007\\u202eabc \\u009b31m\\r\\nHTTP/1.1 200"
    ),
    "white_space": _said(b"   \\n"),
    "unclosed_reasoning": _said(b"<think>", b"aaa"),
    "long_fence": _said(b"```json" + b"\\n" * 12_000 + b"x"),
    "long_spoken_answer": _said(b"the answer is" + b" " * 12_000 + b"!"),
    "tool_calls": events(
        b'{"choices":[{"delta":{"tool_calls":[{"function":{"name":"rm","arguments":"-rf"}}]},'
        b'"finish_reason":"tool_calls"}]}'
    ),
}
