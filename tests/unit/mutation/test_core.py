"""The list of the core's modules and equivalent mutants fits the code."""

from __future__ import annotations

from tests.mutation.core import CORE
from tests.mutation.equivalents import EQUIVALENTS
from tests.mutation.mutants import mutants_of
from tests.mutation.scratch import ROOT


def test_every_equivalent_is_a_mutant_of_the_core() -> None:
    mutants = {
        (mutant.module, mutant.before, mutant.after)
        for module in CORE
        for mutant in mutants_of(module.path, (ROOT / module.path).read_text(), module.functions)
    }
    stale = {(each.module, each.before, each.after) for each in EQUIVALENTS} - mutants
    assert not stale


def test_every_module_has_tests() -> None:
    assert [path for module in CORE for path in module.tests if not (ROOT / path).is_file()] == []
    assert all(module.tests for module in CORE)
