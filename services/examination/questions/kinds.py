"""The kinds of questions by name."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from services.examination.questions.calculation.algebra import algebra
from services.examination.questions.calculation.arithmetic import arithmetic
from services.examination.questions.calculation.dates import dates
from services.examination.questions.calculation.word_problems import word_problem
from services.examination.questions.code.code_output import code_output
from services.examination.questions.code.code_repair import code_repair
from services.examination.questions.structures.extraction import extraction
from services.examination.questions.structures.logic_puzzles import logic_puzzle
from services.examination.questions.structures.tables import tables
from services.examination.questions.structures.tool_calls import tool_calls
from services.examination.questions.texts.instructions import instructions
from services.examination.questions.texts.needles import needles
from services.examination.questions.texts.reading import reading
from services.examination.questions.texts.string_work import string_work
from services.examination.questions.texts.translation import translation

if TYPE_CHECKING:
    from services.examination.questions.question import Generator

KINDS: MappingProxyType[str, Generator] = MappingProxyType(
    {
        "arithmetic": arithmetic,
        "word-problems": word_problem,
        "algebra": algebra,
        "dates": dates,
        "code-output": code_output,
        "code-repair": code_repair,
        "logic": logic_puzzle,
        "strings": string_work,
        "extraction": extraction,
        "instructions": instructions,
        "reading": reading,
        "translation": translation,
        "tables": tables,
        "needles": needles,
        "tool-calls": tool_calls,
    }
)
