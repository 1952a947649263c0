"""The changes that are made of a source text, and their places."""

from __future__ import annotations

import ast
from functools import cache

import pytest

from tests.mutation.core import CORE, Module
from tests.mutation.equivalents import EQUIVALENTS, Equivalent
from tests.mutation.mutants import mutants_of
from tests.mutation.scratch import ROOT


@cache
def changes_of_core(path: str) -> set[tuple[str, str]]:
    (module,) = (module for module in CORE if module.path == path)
    mutants = mutants_of(path, (ROOT / path).read_text(), module.functions)
    return {(mutant.before, mutant.after) for mutant in mutants}


def changes(source: str) -> list[str]:
    return [mutant.after for mutant in mutants_of("m.py", source)]


@pytest.mark.parametrize(
    ("source", "changed"),
    [
        ("x = a < b", ["x = a <= b", "x = a >= b"]),
        ("x = a is None", ["x = a is not None"]),
        ("x = a - b", ["x = a + b"]),
        ("x = a / b", ["x = a * b"]),
        ("x = a and b", ["x = (a or b)"]),
        ("x = not a", ["x = (a)"]),
        ("x = min(a, b)", ["x = max(a, b)"]),
        ("x = np.argmax(a)", ["x = np.argmin(a)"]),
        ("x = sorted(a, key=lambda b: -b)", ["x = sorted(a, key=lambda b: (b))"]),
        ("x = 4", ["x = 5"]),
        ("x = 0.5", ["x = 1.5"]),
        ("x = True", ["x = False"]),
        ("x = a if b else c", ["x = a if not b else c"]),
        ("x = [a for a in b if a.c]", ["x = [a for a in b if not a.c]"]),
    ],
)
def test_an_expression_changes_by_one_operator_name_or_constant(
    source: str, changed: list[str]
) -> None:
    assert changes(source) == changed


@pytest.mark.parametrize(
    ("statement", "changed"),
    [
        ("return a", ["return None"]),
        ("return True", ["return False"]),
        ("a += b", ["a -= b", "pass"]),
        ("a.b = c", ["pass"]),
        ("a[b] = c", ["pass"]),
        ("a.append(b)", ["pass"]),
        ("await a", ["pass"]),
        ("a = b", []),  # without it every test would fail
        ("log.info(a, b=1)", []),
        ("a = f'{b + 1}'", []),
        ("a: Literal[1] = b", []),
        ("zip(a, b, strict=True)", ["pass"]),
    ],
)
def test_a_statement_of_a_function_loses_its_effect(statement: str, changed: list[str]) -> None:
    assert changes(f"async def f(a: int = b) -> bool:\n    {statement}") == changed


def test_only_what_changes_changes_whatever_stands_around_it() -> None:
    source = 'x = "ä€"; y = (a +\n       b) * 2  # "c + d"\n'
    (plus, *_) = (m for m in mutants_of("m.py", source) if " - " in m.after)
    assert plus.source == 'x = "ä€"; y = (a - b) * 2  # "c + d"\n'
    assert (plus.line, plus.before) == (1, 'x = "ä€"; y = (a + b) * 2 # "c + d"')


def test_only_the_named_functions_change() -> None:
    source = "def f(a):\n    return a + 1\n\ndef g(a):\n    return a - 1\n"
    assert {mutant.line for mutant in mutants_of("m.py", source, ["g"])} == {5}


@pytest.mark.parametrize("module", CORE, ids=lambda module: str(module.path))
def test_every_module_of_the_core_has_mutants_that_compile_and_tests(module: Module) -> None:
    source = (ROOT / module.path).read_text()
    mutants = mutants_of(module.path, source, module.functions)
    assert mutants
    assert len({mutant.source for mutant in mutants}) == len(mutants)
    assert all(mutant.source != source and ast.parse(mutant.source) for mutant in mutants)
    assert all((ROOT / path).is_file() for path in module.tests)


@pytest.mark.parametrize("equivalent", EQUIVALENTS, ids=lambda each: f"{each.module}: {each.after}")
def test_every_equivalent_mutant_is_still_one_of_its_modules(equivalent: Equivalent) -> None:
    assert (equivalent.before, equivalent.after) in changes_of_core(equivalent.module)
