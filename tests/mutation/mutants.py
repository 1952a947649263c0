"""Makes the mutants of a source text: copies with one small change each, at an exact position.

source text -> syntax tree -> (span, new text) per change -> mutants
"""

from __future__ import annotations

import ast
import copy
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Located = ast.expr | ast.stmt
Change = tuple[Located, str]

COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
}
OPPOSITES = {
    one: other
    for pair in (("min", "max"), ("any", "all"), ("minimum", "maximum"), ("argmin", "argmax"))
    for one, other in (pair, pair[::-1])
}
LOGGERS = {"log", "logger", "_log", "_logger"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one module."""

    module: str
    """The module's path from the root of the repository."""
    line: int
    before: str
    """The lines that change, as one line."""
    after: str
    source: str
    """The whole module with the change."""


class Text:
    """A source text whose syntax tree's positions, counted in bytes, can be replaced."""

    def __init__(self, source: str) -> None:
        self._bytes = source.encode()
        self._starts = [0]
        for line in self._bytes.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree."""
        return ast.parse(self._bytes)

    def mutant(self, module: str, node: Located, new: str) -> Mutant:
        """Returns the mutant in which `new` stands where the node stood."""
        end_line, end_column = node.end_lineno or 0, node.end_col_offset or 0
        start = self._starts[node.lineno - 1] + node.col_offset
        end = self._starts[end_line - 1] + end_column
        first, last = self._starts[node.lineno - 1], self._starts[end_line]
        changed = self._bytes[:start] + new.encode() + self._bytes[end:]
        return Mutant(
            module=module,
            line=node.lineno,
            before=one_line(self._bytes[first:last]),
            after=one_line(changed[first : last + len(changed) - len(self._bytes)]),
            source=changed.decode(),
        )


def one_line(text: bytes) -> str:
    """Returns the text with every run of white space as one blank."""
    return " ".join(text.decode().split())


def mutants_of(module: str, source: str, functions: Sequence[str] = ()) -> list[Mutant]:
    """Returns every mutant of a module that compiles, in the order of the text.

    Args:
        module: Its path from the root of the repository.
        source: Its text.
        functions: Names of the only functions that change; all of the module changes if there are none.
    """
    text = Text(source)
    roots = [node for node in ast.walk(text.tree) if getattr(node, "name", "") in functions]
    found = {
        mutant.source: mutant
        for root in (roots if functions else [text.tree])
        for node, in_function in nodes(root)
        for place, new in changes(node, in_function=in_function)
        if compiles((mutant := text.mutant(module, place, new)).source)
    }
    return sorted(found.values(), key=lambda mutant: (mutant.line, mutant.after))


def compiles(source: str) -> bool:
    """Returns whether the source can be compiled."""
    try:
        compile(source, "mutant", "exec")
    except SyntaxError:
        return False
    return True


def nodes(node: ast.AST, *, in_function: bool = False) -> Iterator[tuple[ast.AST, bool]]:
    """Yields the nodes that may change, with whether each is part of a function's body.

    Leaves out types, decorators, formatted texts (which have no exact positions before Python 3.12),
    calls of a logger, code for type checkers alone, and the guards `strict` and `init`.
    """
    yield node, in_function
    within = in_function or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    for field, value in ast.iter_fields(node):
        if field in {"annotation", "returns", "decorator_list", "type_params"}:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not is_left_out(child):
                yield from nodes(child, in_function=within)


def is_left_out(node: ast.AST) -> bool:
    """Returns whether nothing within the node is to change."""
    match node:
        case (
            ast.JoinedStr()
            | ast.If(test=ast.Name("TYPE_CHECKING"))
            | ast.keyword("strict" | "init")
        ):
            return True
        case ast.Expr(ast.Call(func=ast.Attribute(value=ast.Name(name)))):
            return name in LOGGERS
        case _:
            return False


def changes(node: ast.AST, *, in_function: bool) -> Iterator[Change]:
    """Yields the replacements of a node, or of a part of it."""
    if isinstance(node, ast.expr):
        yield from of_expression(node)
    if isinstance(node, ast.stmt) and in_function:
        yield from of_statement(node)
    if isinstance(node, ast.If | ast.While | ast.IfExp):
        yield from of_condition(node.test)
    if isinstance(node, ast.comprehension):
        for condition in node.ifs:
            yield from of_condition(condition)


def of_expression(node: ast.expr) -> Iterator[Change]:
    """Yields an expression's changes: operators, constants, opposites, signs."""
    match node:
        case ast.Compare():
            for place, operator in enumerate(node.ops):
                for other in COMPARISONS[type(operator)]:
                    changed = copy.deepcopy(node)
                    changed.ops[place] = other()
                    yield node, ast.unparse(changed)
        case ast.BinOp(left, operator, right) if type(operator) in OPERATORS:
            yield node, ast.unparse(ast.BinOp(left, OPERATORS[type(operator)](), right))
        case ast.BoolOp(operator, values):
            opposite = ast.Or() if isinstance(operator, ast.And) else ast.And()
            yield node, f"({ast.unparse(ast.BoolOp(opposite, values))})"
        case ast.UnaryOp(ast.Not() | ast.USub(), operand):
            yield node, f"({ast.unparse(operand)})"
        case ast.Call(func=(ast.Name(name) | ast.Attribute(attr=name)) as function):
            if name in OPPOSITES:
                yield function, ast.unparse(function).removesuffix(name) + OPPOSITES[name]
        case ast.Constant(bool() as value):
            yield node, str(not value)
        case ast.Constant((int() | float()) as value):
            yield node, repr(value + 1)


def of_statement(node: ast.stmt) -> Iterator[Change]:
    """Yields a statement's changes: without its effect, and with another operator or result.

    A name's only assignment stays: without it every test fails, which shows nothing.
    """
    match node:
        case ast.Return(ast.expr() as value) if not isinstance(value, ast.Constant):
            yield value, "None"
        case ast.AugAssign(target, operator, value):
            yield node, "pass"
            if type(operator) in OPERATORS:
                other = ast.AugAssign(target, OPERATORS[type(operator)](), value)
                yield node, ast.unparse(other)
        case ast.Assign([ast.Attribute() | ast.Subscript()]) | ast.Expr(ast.Call() | ast.Await()):
            yield node, "pass"


def of_condition(node: ast.expr) -> Iterator[Change]:
    """Yields the opposite of a condition that has no operator of its own."""
    if isinstance(node, ast.Name | ast.Attribute | ast.Call | ast.Await):
        yield node, f"not {ast.unparse(node)}"
