"""YAML that is large, deep, repeated or odd: its problems have lines, and none takes long."""

from __future__ import annotations

import time

import pytest

from services.router.pool.yaml_nodes import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_SIZE,
    YamlProblemsError,
    read_yaml,
)

LIMIT_S = 30
"""Of CPU time; the slowest takes four on a slow machine."""


def doubled(first: str, rest: str) -> str:
    """Returns a document whose every line repeats the one before it nine times."""
    lines = [f"a0: &a0 {first}"]
    for number in range(1, 12):
        aliases = ", ".join([f"*a{number - 1}"] * 9)
        lines.append(f"a{number}: &a{number} " + rest.replace("REST", aliases))
    return "\n".join(lines)


def problems(content: bytes | str) -> list[str]:
    with pytest.raises(YamlProblemsError) as raised:
        read_yaml(content.encode() if isinstance(content, str) else content)
    return raised.value.problems


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (doubled("[x]", "[REST]"), "with those that aliases repeat"),
        (doubled("{x: 1}", "{<<: [REST]}"), "with those that aliases repeat"),
        ("a: &a " + "x" * 10_000 + "\nb: [" + "*a," * 10_000 + "]", "aliases repeat"),
        ("a: &a [*a]", "an alias repeats the value that it is in"),
        ("&a {b: {c: *a}}", "an alias repeats the value that it is in"),
        ("a0: &a0 [x]\n" + "\n".join(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 500)), "nested"),
        ("[" * 400_000, "is nested deeper than"),
        ("\n".join(" " * n + "a:" for n in range(1_000)), "is nested deeper than"),
        ("? " * 400_000, "is nested deeper than"),
        ("[" + "1," * (MAX_SIZE + 1) + "]", "has more than 100,000 values"),
        ("a: 1" + ":1" * 300_000, "a number has more than 64 characters"),
        ("a: 0x" + "f" * 900_000, "a number has more than 64 characters"),
        ("a: b\n" * MAX_BYTES, "is larger than 1,048,576 bytes"),
    ],
    ids=lambda value: value[:12],
)
def test_no_file_takes_long_however_it_repeats_or_nests(content: str, problem: str) -> None:
    started_s = time.process_time()
    found = problems(content)
    assert time.process_time() - started_s < LIMIT_S
    assert problem in found[-1]
    assert len(found) < 60


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("a: 1\nb: 2\na: 3", "line 3: the key a stands here twice, first in line 1"),
        ("a:\n  <<: {}\n  <<: {}", "line 3: the key << stands here twice, first in line 2"),
        ("a: 1\n? [b]\n: 2", "line 2: a key must be a text, is a list or a map"),
        ("a: 1\n? {b: 1}\n: 2", "line 2: a key must be a text, is a list or a map"),
        ("on: 1", "line 1: the key on must be a text: put it in quotes"),
        ("a:\n  404: 1", "line 2: the key 404 must be a text: put it in quotes"),
        ("~: 1", "line 1: the key ~ must be a text: put it in quotes"),
        ("a: " + "9" * 5_000, "line 1: a number has more than 64 characters"),
        ("a: !!int ten", "line 1: is not YAML: the value is not of the type int"),
        ("a: !!bool ten", "line 1: is not YAML: the value is not of the type bool"),
        ("\na: !!timestamp now", "line 2: the tag tag:yaml.org,2002:timestamp is not supported"),
        ("a: !!python/name:os.system x", "line 1: the tag tag:yaml.org,2002:python/name:os.system"),
        ("a: =", "line 1: the tag tag:yaml.org,2002:value is not supported"),
        ("a: [1]\n<<: 3", "line 2: is not YAML: expected a mapping"),
        ("a: *b", "line 1: is not YAML: found undefined alias"),
        ("a:\n\t- b", "line 2: is not YAML: found character '\\t'"),
        ("a: 1\nb: \0", "line 2: is not YAML: the character U+0000 is not allowed"),
        ("a: 1\n---\na: 2", "line 2: is not YAML: but found another document"),
        ("%YAML 7.0\n---\na: 1", "line 1: is not YAML: found incompatible YAML document"),
        (b"a: 1\nb: \xe9", "line 2: cannot be read: the byte 0xe9 is not UTF-8"),
        ("a: 1".encode("utf-16"), "line 1: cannot be read: the byte 0xff is not UTF-8"),
        ('"\\e[2J\\u202E": 1\n"\\e[2J\\u202E": 2', "line 2: the key \\x1b[2J\\u202e stands"),
    ],
)
def test_a_problem_has_its_line(content: bytes | str, problem: str) -> None:
    (found,) = problems(content)
    assert found.startswith(problem)


def test_all_problems_of_keys_are_told_at_once() -> None:
    found = problems("a: {1: x, 2: y}\na: 2")
    assert [each.partition(":")[0] for each in found] == ["line 2", "line 1", "line 1"]
    many = problems("\n".join(f"{number}: x" for number in range(1_000)))
    assert many[-1] == "and 950 more problems"


def test_dates_are_texts_and_aliases_and_merged_maps_are_read() -> None:
    document = read_yaml(b"a: &a {b: 2024-01-01, c: 1}\nd: {<<: *a, c: 2}\ne: [*a, *a]")
    assert document is not None
    b_and_c = {"b": "2024-01-01", "c": 1}
    assert document.data == {"a": b_and_c, "d": {**b_and_c, "c": 2}, "e": [b_and_c, b_and_c]}


def test_as_much_as_is_allowed_is_read() -> None:
    deep = "[" * (MAX_DEPTH - 1) + "x" + "]" * (MAX_DEPTH - 1)
    assert read_yaml(deep.encode()) is not None
    assert read_yaml(b"# nothing\n") is None
