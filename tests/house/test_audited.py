"""Every deed of staff's leaves a row in the audit log: from each staff route that changes anything, what it calls leads
to `audit.record`. The calls are followed through the code itself, so that a new route that forgets it is named here.
"""

import dis
import inspect
import sys
from collections.abc import Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

from flask import Flask

from core import audit
from core.web.doors import permission_of
from tests.house.declared.admin import ADMIN

ROOMS = ("tests", "app", "connect", "engage", "insights", "rewards", "wallet", "auth", "core")
CHANGING = ("POST", "PUT", "PATCH", "DELETE")

_LOOKS = "it looks, and changes nothing"
_CUSTOMERS = "kept under the customer, with who said it, in a log of its own that is written once"

#: What leaves no row, and why not.
EXEMPT = {
    "POST /admin/v1/campaigns/{campaign_id}/checks": _LOOKS,
    "POST /admin/v1/journeys/{journey_id}/checks": _LOOKS,
    "POST /admin/v1/journeys/{journey_id}/smallest-effect": _LOOKS,
    "POST /admin/v1/rules/checks": _LOOKS,
    "POST /admin/v1/segments/counts": _LOOKS,
    "POST /admin/v1/me/passkeys/options": "a challenge; the passkey that is made with it leaves the row",
    "POST /admin/v1/finance/safeguarding-reports": "each run is a report that is kept, with who ran it",
    "POST /admin/v1/customers/{customer_id}/qualifications": _LOOKS,
    "PUT /admin/v1/customers/{customer_id}/consents": _CUSTOMERS,
}


def deeds() -> list[str]:
    return [operation for operation in ADMIN if operation.split(" ")[0] in CHANGING]


def test_every_deed_of_staff_leads_to_the_audit_log(app: Flask) -> None:
    views = _views(app)

    silent = [operation for operation in deeds() if audit.record not in _reached(views[operation])]

    assert sorted(silent) == sorted(EXEMPT), {
        "forgotten": sorted(set(silent) - set(EXEMPT)),
        "recorded after all": sorted(set(EXEMPT) - set(silent)),
    }


def test_a_deed_that_forgets_it_would_be_found() -> None:
    def forgets() -> None:
        sys.exit()

    assert audit.record not in _reached(forgets)
    assert audit.record in _reached(_remembers)


def _remembers() -> None:
    _by_another()


def _by_another() -> None:
    audit.record()  # type: ignore[call-arg]


def _views(app: Flask) -> dict[str, FunctionType]:
    """By operation: the view, or the method of a view class, as it was written."""
    found = {}
    for rule in app.url_map.iter_rules():
        for method in rule.methods or ():
            if permission_of(app, rule.endpoint, method) is None:
                continue
            view = app.view_functions[rule.endpoint]
            handler = getattr(view, "view_class", None)
            written = getattr(handler, method.lower()) if handler else view
            path = "".join(f"{{{part}}}" if is_named else part for is_named, part in rule._trace)
            found[f"{method} {path.removeprefix('|')}"] = inspect.unwrap(written)
    return found


def _reached(function: Any) -> set[Any]:
    """Every function of ours that this one calls, or hands on, and those in turn."""
    seen: set[Any] = set()
    waiting = [function]
    while waiting:
        each = inspect.unwrap(waiting.pop())
        if each in seen:
            continue
        seen.add(each)
        if isinstance(each, FunctionType):
            waiting += [found for found in _named_in(each) if _is_ours(found)]
        elif isinstance(each, type):
            waiting += [found for found in vars(each).values() if isinstance(found, FunctionType)]
    return seen


def _named_in(function: FunctionType) -> Iterator[Any]:
    """What the names in a function's code stand for: globals, and what is asked of the modules among them."""
    known = {**function.__globals__, **inspect.getclosurevars(function).nonlocals}
    for code in _codes(function.__code__):
        value: Any = None
        for instruction in dis.get_instructions(code):
            if instruction.opname in ("LOAD_GLOBAL", "LOAD_DEREF", "LOAD_NAME"):
                value = known.get(instruction.argval)
                yield value
            elif instruction.opname in ("LOAD_ATTR", "LOAD_METHOD") and isinstance(value, ModuleType | type):
                value = getattr(value, str(instruction.argval), None)
                yield value
            else:
                value = None


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _is_ours(found: Any) -> bool:
    if not isinstance(found, FunctionType | type):
        return False
    return found.__module__.split(".")[0] in ROOMS
