"""The shape of the source: layers, cycles, sizes, docstrings, machine paths. Read as text, nothing is run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = {
    "usage_specs": ROOT / "specs" / "usage_specs",
    "usage_mockserver": ROOT / "mockserver" / "usage_mockserver",
    "usage_contracts": ROOT / "contracts" / "usage_contracts",
    "usagekit": ROOT / "usagekit",
}
PLUGIN = "pytest_usagekit"
MAY_IMPORT = {
    "usage_specs": set(),
    "usage_mockserver": {"usage_specs"},
    "usage_contracts": {"usage_specs"},
    "usagekit": {"usage_specs", "usage_mockserver", "usage_contracts"},
    PLUGIN: {"usage_specs", "usage_mockserver", "usage_contracts", "usagekit"},
}
MODULE_LINES = 400
FUNCTION_LINES = 40

Functions = ast.FunctionDef | ast.AsyncFunctionDef
Definitions = Functions | ast.ClassDef


def module_name(file: Path, package: str, folder: Path) -> str:
    parts = file.relative_to(folder).with_suffix("").parts
    return ".".join((package, *(part for part in parts if part != "__init__")))


FILES = {
    module_name(file, package, folder): file
    for package, folder in SOURCES.items()
    for file in sorted(folder.rglob("*.py"))
} | {PLUGIN: ROOT / f"{PLUGIN}.py"}
OTHERS = {
    str(file.relative_to(ROOT)): file
    for folder in ("tests", "benchmarks", "examples", ".ci")
    for file in sorted((ROOT / folder).rglob("*.py"))
}
ALL = FILES | OTHERS


@cache
def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"), filename=str(file))


def only_for_types(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def imports(node: ast.AST, *, with_types: bool, inside_functions: bool = True) -> Iterator[str]:
    """The dotted names that a piece of source imports; `from a import b` gives `a.b`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, (
                f"line {child.lineno}: relative import; the layer of a name must be readable"
            )
            yield from (f"{child.module}.{alias.name}" for alias in child.names)
        elif isinstance(child, ast.stmt) and only_for_types(child) and not with_types:
            continue
        elif inside_functions or not isinstance(child, Definitions):
            yield from imports(child, with_types=with_types, inside_functions=inside_functions)


def dynamic_imports(node: ast.AST) -> Iterator[str]:
    """What is imported by name at run time: the literal beginning of `import_module`'s argument."""
    for child in ast.walk(node):
        if isinstance(child, ast.Call) and ast.unparse(child.func).endswith(("import_module", "__import__")):
            text = ast.unparse(child.args[0])
            yield from re.findall(r"usage_\w+|usagekit|pytest_usagekit", text)


def first_party(names: Iterator[str]) -> set[str]:
    return {name.partition(".")[0] for name in names} & MAY_IMPORT.keys()


def wrong_imports(module: str, source: ast.AST) -> set[str]:
    package = module.partition(".")[0]
    found = first_party(imports(source, with_types=True)) | set(dynamic_imports(source))
    return found - MAY_IMPORT[package] - {package}


@pytest.mark.parametrize("module", FILES)
def test_imports_point_down(module: str) -> None:
    assert wrong_imports(module, tree(FILES[module])) == set()


def test_contracts_and_fakes_never_meet_even_lazily() -> None:
    lazy = ast.parse(
        "def f():\n    from usage_mockserver.world import World\n    import_module('usagekit.x')"
    )
    assert wrong_imports("usage_contracts.run", lazy) == {"usage_mockserver", "usagekit"}


def test_the_plugin_imports_only_pytest_when_loaded() -> None:
    at_load = imports(tree(FILES[PLUGIN]), with_types=False, inside_functions=False)
    assert set(at_load) - {"__future__.annotations"} == {"pytest"}


def edges(files: Mapping[str, Path]) -> dict[str, set[str]]:
    """Which module imports which, at load or later; what is there for types alone does not run."""
    found = {}
    for module, file in files.items():
        names = imports(tree(file), with_types=False)
        targets = {name if name in files else name.rpartition(".")[0] for name in names}
        found[module] = targets & files.keys() - {module}
    return found


def cycle(graph: Mapping[str, set[str]]) -> list[str]:
    """The modules of one cycle, or nothing."""
    left = dict(graph)
    while True:
        done = [module for module, targets in left.items() if not targets & left.keys()]
        if not done:
            return sorted(left)
        for module in done:
            del left[module]


def test_no_module_imports_itself_by_a_detour() -> None:
    assert cycle(edges(FILES)) == []


def test_a_cycle_would_be_found() -> None:
    assert cycle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}, "e": set()}) == ["a", "b", "c", "d"]


# Not the tests: a provider's literal cases are one file, and as long as the vendor's page has cases.
@pytest.mark.parametrize("name", [name for name in ALL if not name.startswith("tests")])
def test_a_module_is_short(name: str) -> None:
    lines = ALL[name].read_text(encoding="utf-8").count("\n")
    assert lines <= MODULE_LINES


@pytest.mark.parametrize("name", ALL)
def test_a_function_is_short(name: str) -> None:
    long = [
        f"{node.name}: {lines}"
        for node in ast.walk(tree(ALL[name]))
        if isinstance(node, Functions) and (lines := length(node)) > FUNCTION_LINES
    ]
    assert long == []


def length(function: Functions) -> int:
    """Lines from `def` to the end; a decorator is no part of what must be understood at once."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def is_schema(node: Definitions) -> bool:
    """A pydantic model: FastAPI would publish its docstring, which the vendor's document does not have."""
    return isinstance(node, ast.ClassDef) and "BaseModel" in map(ast.unparse, node.bases)


def public_without_docstring(node: ast.AST, prefix: str = "") -> Iterator[str]:
    for child in getattr(node, "body", []):
        if isinstance(child, Definitions) and not child.name.startswith("_"):
            if ast.get_docstring(child) is None and not is_schema(child):
                yield prefix + child.name
            if isinstance(child, ast.ClassDef):
                yield from public_without_docstring(child, f"{prefix}{child.name}.")


@pytest.mark.parametrize("module", FILES)
def test_every_public_name_has_a_docstring(module: str) -> None:
    source = tree(FILES[module])
    assert ast.get_docstring(source), "the module itself has none"
    assert list(public_without_docstring(source)) == []


@pytest.mark.parametrize("module", FILES)
def test_every_function_says_what_it_returns(module: str) -> None:
    functions = [node for node in ast.walk(tree(FILES[module])) if isinstance(node, Functions)]
    assert [node.name for node in functions if node.returns is None] == []


def test_root_folders_are_no_packages() -> None:
    roots = [ROOT / name for name in ("specs", "mockserver", "contracts")]
    assert [root.name for root in roots if (root / "__init__.py").exists()] == []


# Spelled in pieces, so that this file does not hold what it looks for.
MACHINE_PATH = re.compile(
    r"(?<![\w.])/(?:" + "|".join(("work", "root", "home", "Users", "opt")) + r")/[\w.-]+"
)
TEXTS = {".py", ".md", ".toml", ".yaml", ".yml", ".json", ".txt", ".cfg", ".conf", ".sh", ".mjs", ""}
FOREIGN = {"source.md", "openapi.yaml", "uv.lock"}


def texts() -> Iterator[Path]:
    """Every text of the project that we write ourselves."""
    ours = ("specs", "mockserver", "contracts", "usagekit")
    folders = (*ours, "tests", "benchmarks", "examples", "deploy", ".ci")
    files = [*ROOT.iterdir(), *(file for folder in folders for file in (ROOT / folder).rglob("*"))]
    for file in files:
        if file.is_file() and file.suffix in TEXTS and file.name not in FOREIGN and file.name != ".coverage":
            yield file


def test_no_file_names_a_place_on_one_machine() -> None:
    found = [
        f"{file.relative_to(ROOT)}: {match.group()}"
        for file in texts()
        for match in MACHINE_PATH.finditer(file.read_text(encoding="utf-8"))
    ]
    assert found == []
