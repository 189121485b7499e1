"""`statement()` lends a connection where one SQL call is the whole transaction: whoever calls it is listed here."""

import ast
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
ROOMS = ("core", "auth", "wallet", "rewards", "insights", "engage", "connect", "app")

CALLERS = {
    "auth/dpop/binding.py",
    "auth/oauth/api/grants/refresh.py",
    "auth/tokens/revocations.py",
    "connect/ingest.py",
    "connect/sources.py",
    "core/web/rates.py",
    "rewards/api/merchant.py",
    "rewards/campaigns/catalogue.py",
    "rewards/offers/shelf.py",
    "engage/backtests/reading.py",
    "engage/backtests/work.py",
    "rewards/simulation/orders.py",
    "rewards/simulation/work.py",
    "rewards/vouchers/code_shapes.py",
    "wallet/api/customer.py",
}


def callers() -> set[str]:
    found = set()
    for room in ROOMS:
        for path in (PROJECT / room).rglob("*.py"):
            name = path.relative_to(PROJECT).as_posix()
            if name == "core/db.py":
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and _called(node.func) == "statement":
                    found.add(name)
    return found


def _called(func: ast.expr) -> str:
    if isinstance(func, ast.Name):
        return func.id
    return (
        func.attr
        if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name) and func.value.id == "db"
        else ""
    )


def test_only_listed_hot_paths_call_statement() -> None:
    assert callers() == CALLERS
