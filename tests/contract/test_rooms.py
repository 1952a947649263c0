"""Rules of the house: rooms of few modules, imports that go down, and two hops to every module."""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOTS = {
    "services": ROOT / "services",
    "scorer": ROOT / "scorer",
    "routemoa": ROOT / "clients/python/routemoa",
}
GENERATED = ROOT / "clients/python/routemoa/v1"
MAX_MODULES = 14
MAX_ROUTER_MODULES = 10
MAX_CHAIN = 12
MAY_RECUR = {"config", "metrics", "__init__", "__main__"}
NOUN_CLAUSE = re.compile(r"(What|How|Which|Who|Whose|Where|Whether|Why|When)\b")
READ_TWICE = re.compile(
    r"\b(to be had|of late|is told|are told|takes? note|says? whether|notes that)\b", re.IGNORECASE
)


@cache
def modules() -> dict[str, Path]:
    """Returns every hand-written module by its dotted name."""
    found = {}
    for top, folder in ROOTS.items():
        for path in folder.rglob("*.py"):
            if path.parent == GENERATED:
                continue
            parts = [top, *path.relative_to(folder).with_suffix("").parts]
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def imports() -> dict[str, set[str]]:
    """Returns the modules that each module imports, those for type checkers and in functions too.

    Packages are followed to the modules in them: `from a.b import c` counts as `a.b.c` if that is one.
    """
    known = modules()
    edges: dict[str, set[str]] = {name: set() for name in known}
    for name, path in known.items():
        for node in ast.walk(ast.parse(path.read_text())):
            named: list[str] = []
            if isinstance(node, ast.Import):
                named = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                inner = [f"{node.module}.{alias.name}" for alias in node.names]
                named = [each if each in known else node.module for each in inner]
            edges[name] |= {each for each in named if each in known and each != name}
    return edges


def folders() -> dict[Path, list[Path]]:
    """Returns the modules of every folder, without its `__init__`."""
    found: dict[Path, list[Path]] = defaultdict(list)
    for path in modules().values():
        if path.name != "__init__.py":
            found[path.parent].append(path)
    return found


def circles(edges: dict[str, set[str]]) -> list[list[str]]:
    """Returns the groups of modules that import one another, by Tarjan's algorithm."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        order[name] = low[name] = len(order)
        stack.append(name)
        for other in edges[name]:
            if other not in order:
                visit(other)
            if other in stack:
                low[name] = min(low[name], low[other])
        if low[name] == order[name]:
            group = stack[stack.index(name) :]
            del stack[stack.index(name) :]
            if len(group) > 1:
                found.append(group)

    for name in edges:
        if name not in order:
            visit(name)
    return found


def longest_chain(edges: dict[str, set[str]]) -> list[str]:
    """Returns the longest chain of imports of a graph without circles."""
    chains: dict[str, list[str]] = {}

    def chain(name: str) -> list[str]:
        if name not in chains:
            rest = max((chain(other) for other in edges[name]), key=len, default=[])
            chains[name] = [name, *rest]
        return chains[name]

    return max(map(chain, edges), key=len)


def docstrings() -> list[tuple[str, str]]:
    """Returns every docstring of the product, attributes' too, with its place in the source."""
    found = []
    for path in modules().values():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                text = node.value.value
                if isinstance(text, str):
                    found.append((f"{path.relative_to(ROOT)}:{node.lineno}", text))
    return found


def test_a_room_has_few_loose_modules() -> None:
    counts = {str(folder.relative_to(ROOT)): len(paths) for folder, paths in folders().items()}
    assert len(counts) > 30
    assert not {folder: count for folder, count in counts.items() if count > MAX_MODULES}
    assert counts["services/router"] <= MAX_ROUTER_MODULES


def test_no_modules_import_one_another_even_for_types() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == [["b", "c"]]
    assert circles(imports()) == []


def test_chains_of_imports_are_short() -> None:
    assert longest_chain({"a": {"b"}, "b": {"c"}, "c": set()}) == ["a", "b", "c"]
    modules_alone = {
        name: {other for other in others if modules()[other].name != "__init__.py"}
        for name, others in imports().items()
    }
    assert len(longest_chain(modules_alone)) <= MAX_CHAIN


def test_a_service_has_no_two_modules_of_one_name() -> None:
    for service in sorted(ROOT.glob("services/*/__init__.py")):
        names = Counter(path.stem for path in service.parent.rglob("*.py"))
        assert not {n for n, count in names.items() if count > 1} - MAY_RECUR, service.parent


def test_a_room_names_every_module_in_it() -> None:
    missing = []
    for name, path in modules().items():
        if path.name == "__init__.py":
            if path.parent in ROOTS.values():
                continue
            room, entry = path.parents[1], f"{path.parent.name}/?:"
        else:
            room, entry = path.parent, f"{path.stem}:"
        if path.name == "__main__.py" or name.startswith("routemoa.v1"):
            continue
        text = ast.get_docstring(ast.parse((room / "__init__.py").read_text())) or ""
        if not re.search(rf"(?m)^[- ]*{entry}", text):
            missing.append(name)
    assert not missing


def test_the_readme_names_every_room() -> None:
    rows = [line for line in (ROOT / "README.md").read_text().splitlines() if line.startswith("|")]
    named: set[str] = set()
    for row in rows:
        first = ""
        for path in re.findall(r"`([\w./-]+)`", row.split("|")[1]):
            first = first if path.endswith("/") else path
            named.add(f"{first}/{path}".rstrip("/") if path.endswith("/") else path)
    rooms = {str(folder.relative_to(ROOT)) for folder in folders()} - {"services", "scorer"}
    assert len(rooms) > 30
    assert not rooms - named


def test_docstrings_are_plain_sentences() -> None:
    found = docstrings()
    assert len(found) > 2_000
    assert not [place for place, text in found if NOUN_CLAUSE.match(text.strip())]
    assert not [place for place, text in found if READ_TWICE.search(text)]


def test_messages_and_comments_are_plain() -> None:
    texts = {path: path.read_text() for path in modules().values()}
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path, text in texts.items()
        for number, line in enumerate(text.splitlines(), start=1)
        if READ_TWICE.search(line)
    ]
    assert not found
