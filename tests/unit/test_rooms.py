"""Who may do what, where an import contract cannot say it (those stand in pyproject.toml).

Each check reads the source as a tree, so that a comment or a string does not count.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "resource_hub"

# The standard library's ways to ask what time it is or what the environment says.
CLOCKS = {
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("time", "time"),
}
ENVIRONMENT = {("os", "environ"), ("os", "getenv")}


def _files(*patterns: str) -> list[Path]:
    return sorted({path for pattern in patterns for path in PACKAGE.glob(pattern)})


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def _module(path: Path) -> list[str]:
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    return parts[:-1] if parts[-1] == "__init__" else parts


def _imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and full name of everything a file imports; `from a import b` counts as a.b."""
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = _module(path) if path.name == "__init__.py" else _module(path)[:-1]
                above = package[: len(package) - node.level + 1]
                base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                yield node.lineno, f"{base}.{alias.name}"


def _attributes(path: Path) -> Iterator[tuple[int, str, str]]:
    """Line, name and attribute of every `name.attribute` in a file, by the last part of the name."""
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Attribute):
            if isinstance(node.value, ast.Name):
                yield node.lineno, node.value.id, node.attr
            elif isinstance(node.value, ast.Attribute):
                yield node.lineno, node.value.attr, node.attr


def _where(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def _no(trespasses: list[str]) -> None:
    assert not trespasses, "\n" + "\n".join(trespasses)


PURE = (
    "domain/*/terms.py",
    "domain/*/errors.py",
    "domain/*/rules.py",
    "domain/*/rules/**/*.py",
    "domain/*/terms/**/*.py",
)


def test_kernel_imports_only_the_standard_library() -> None:
    _no(
        [
            f"{_where(path, line)} imports {name}"
            for path in _files("kernel/**/*.py")
            for line, name in _imports(path)
            if name.split(".")[0] not in sys.stdlib_module_names
            and not name.startswith("resource_hub.kernel")
        ]
    )


def test_rulebook_imports_only_the_standard_library_and_the_kernel() -> None:
    ours = ("resource_hub.kernel", "resource_hub.rulebook")
    _no(
        [
            f"{_where(path, line)} imports {name}"
            for path in _files("rulebook/**/*.py")
            for line, name in _imports(path)
            if name.split(".")[0] not in sys.stdlib_module_names and not name.startswith(ours)
        ]
    )


def test_pure_files_read_neither_clock_nor_environment() -> None:
    _no(
        [
            f"{_where(path, line)} uses {name}.{attribute}: take it as an argument"
            for path in _files("kernel/**/*.py", "rulebook/**/*.py", *PURE)
            for line, name, attribute in _attributes(path)
            if (name, attribute) in CLOCKS | ENVIRONMENT
        ]
    )


def test_only_the_clock_asks_what_time_it_is() -> None:
    _no(
        [
            f"{_where(path, line)} uses {name}.{attribute}: ask resource_hub.infra.clock"
            for path in _files("**/*.py")
            if path != PACKAGE / "infra" / "clock.py"
            for line, name, attribute in _attributes(path)
            if (name, attribute) in CLOCKS
        ]
    )


def test_store_and_tables_stay_in_their_package() -> None:
    """Others go through the service; reports may read tables; the schema and the application gather all tables."""
    gather = {PACKAGE / "app.py", PACKAGE / "models.py", PACKAGE / "infra" / "schema.py"}
    trespasses = []
    for path in _files("**/*.py"):
        own = _module(path)[:3]
        for line, name in _imports(path):
            parts = name.split(".")
            if parts[:2] != ["resource_hub", "domain"] or len(parts) < 4 or parts[:3] == own:
                continue
            may_read_tables = path in gather or own[:2] == ["resource_hub", "reports"]
            if parts[3] == "store" or (parts[3] == "tables" and not may_read_tables):
                trespasses.append(f"{_where(path, line)} imports {name}: use the service of {parts[2]}")
    _no(trespasses)


def test_only_the_unit_of_work_commits() -> None:
    # A session elsewhere may be called anything, so every .commit() counts.
    _no(
        [
            f"{_where(path, line)} calls {name}.commit: only resource_hub.infra.unit_of_work does"
            for path in _files("domain/**/*.py", "reports/**/*.py", "entrypoints/**/*.py")
            for line, name, attribute in _attributes(path)
            if attribute == "commit"
        ]
    )


@pytest.mark.parametrize("name", ["domain", "reports"])
def test_domain_and_reports_never_import_flask(name: str) -> None:
    _no(
        [
            f"{_where(path, line)} imports {imported}"
            for path in _files(f"{name}/**/*.py")
            for line, imported in _imports(path)
            if imported.split(".")[0].startswith(("flask", "werkzeug"))
        ]
    )
