"""The law of the house that import-linter cannot say in one contract: who may know of HTTP."""

import ast
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
FEATURES = ("auth", "wallet", "rewards", "insights", "engage", "connect")
OF_THE_WEB = {"flask", "flask_smorest", "flask_compress", "marshmallow", "webargs", "apispec", "werkzeug"}
# Commands and doors; app is the roof, which puts them together.
MAY_KNOW_THE_WEB = ("api", "cli", "web")


def test_domain_modules_import_nothing_of_the_web() -> None:
    offences = [
        f"{path.relative_to(PROJECT)} imports {module}"
        for package in ("core", *FEATURES)
        for path in sorted((PROJECT / package).rglob("*.py"))
        if not _may_know_the_web(path)
        for module in _imports(path)
        if module.split(".")[0] in OF_THE_WEB
    ]

    assert offences == []


def test_nothing_in_the_house_imports_its_entry_point() -> None:
    rooms = ("core", *FEATURES, "app")

    assert [
        str(path) for room in rooms for path in (PROJECT / room).rglob("*.py") if "wsgi" in set(_imports(path))
    ] == []


def test_a_domain_module_that_imports_flask_would_be_found(tmp_path: Path) -> None:
    module = tmp_path / "vouchers.py"
    module.write_text("def issue():\n    from flask import request\n    return request\n")

    assert list(_imports(module)) == ["flask"]


def test_only_the_rooms_of_the_house_hold_code() -> None:
    rooms = {path.parent.name for path in PROJECT.glob("*/__init__.py")}

    assert rooms - {"tests", "bench", "migrations"} <= {"core", *FEATURES, "app"}


def _may_know_the_web(path: Path) -> bool:
    return not set(path.relative_to(PROJECT).with_suffix("").parts[1:]).isdisjoint(MAY_KNOW_THE_WEB)


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
