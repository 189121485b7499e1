"""What a role may do: each permission that a route asks for is somebody's, and none is nobody's."""

import re
from pathlib import Path

from auth.staff import roles
from tests.house.declared.admin import ADMIN

PROJECT = Path(__file__).resolve().parents[2]
ROOMS = ("app", "connect", "engage", "insights", "rewards", "wallet", "auth", "core")

#: What views ask for beside the permission that their route declares.
_DEMANDED = re.compile(r'\bdemand\(\s*"([a-z_.]+)"')


def asked_for() -> set[str]:
    sources = [path for room in ROOMS for path in (PROJECT / room).rglob("*.py")]
    demanded = {name for path in sources for name in _DEMANDED.findall(path.read_text(encoding="utf-8"))}
    return demanded | set(ADMIN.values())


def test_every_permission_that_is_asked_for_is_in_some_role() -> None:
    given = frozenset().union(roles.SELF, *roles.ROLES.values())

    assert asked_for() - given == set()


def test_no_role_names_a_permission_that_nothing_asks_for() -> None:
    known = asked_for()

    assert {name: sorted(given - known) for name, given in roles.ROLES.items() if given - known} == {}


def test_an_admin_may_all_that_anybody_may() -> None:
    assert all(given <= roles.ADMIN for given in roles.ROLES.values())


def test_roles_add_up_and_unknown_ones_give_nothing() -> None:
    both = roles.permissions_of(["finance", "support"], ["keys.turn"])

    assert both == roles.FINANCE | roles.SUPPORT | roles.SELF | {"keys.turn"}
    assert roles.permissions_of(["emperor"]) == roles.permissions_of([]) == frozenset()
    assert roles.permissions_of(["emperor"], ["finance.read"]) == {"finance.read"}
