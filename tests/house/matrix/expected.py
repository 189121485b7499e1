"""What each kind of caller gets of each kind of operation. A cell that is not here fails the run before it begins."""

from tests.house.declared.admin import ADMIN
from tests.house.declared.app import APP
from tests.house.declared.freshness import FRESH
from tests.house.declared.ingest import INGEST
from tests.house.declared.merchant import MERCHANT
from tests.house.declared.principals import OWN, OWNED, PROTOCOL, PUBLIC, SANDBOXED, SOURCE
from tests.house.declared.public import ANYBODYS
from tests.house.declared.sign_in import SIGN_IN
from tests.house.matrix.kinds import KINDS

#: By door, every operation with whose it is; a staff operation with its permission.
DECLARED: dict[str, dict[str, str]] = {
    "app": APP,
    "admin": ADMIN,
    "merchant": MERCHANT,
    "ingest": INGEST,
    "sign-in": SIGN_IN,
    "public": ANYBODYS,
}

REFUSED, FORBIDDEN, MISSING = "401", "403", "404"
#: Past every guard: whatever the operation itself says to what it is asked, but none of the three above.
LET_IN = "let in"
#: The same answer as for everybody else.
ALIKE = "alike"
#: By the protocol's rules, which have tests of their own; here it only must not fail.
ANSWERED = "answered"
#: Forbidden, or what was sent is not even read: nothing was done for them.
KEPT_OUT = "403 or 422"

PERMISSION = "permission"

_OTHERS_TOKENS = "nobody forged expired wrong_type source_key client partner"

#: By door and whose an operation is: the kinds by what they get.
_TABLE: dict[tuple[str, str], dict[str, str]] = {
    ("app", OWN): {
        LET_IN: "customer stale_customer other_customer sandbox_customer",
        REFUSED: f"{_OTHERS_TOKENS} revoked_customer staff staff_without revoked_staff till other_stores_till"
        " other_merchants_till sandbox_till revoked_till",
    },
    ("app", OWNED): {
        LET_IN: "customer stale_customer",
        MISSING: "other_customer sandbox_customer",
        REFUSED: f"{_OTHERS_TOKENS} revoked_customer staff staff_without revoked_staff till other_stores_till"
        " other_merchants_till sandbox_till revoked_till",
    },
    ("admin", PERMISSION): {
        LET_IN: "staff",
        FORBIDDEN: "staff_without",
        REFUSED: f"{_OTHERS_TOKENS} revoked_staff customer stale_customer other_customer sandbox_customer"
        " revoked_customer till other_stores_till other_merchants_till sandbox_till revoked_till",
    },
    ("admin", OWN): {
        LET_IN: "staff staff_without",
        REFUSED: f"{_OTHERS_TOKENS} revoked_staff customer stale_customer other_customer sandbox_customer"
        " revoked_customer till other_stores_till other_merchants_till sandbox_till revoked_till",
    },
    ("merchant", OWN): {
        LET_IN: "till other_stores_till other_merchants_till sandbox_till",
        REFUSED: f"{_OTHERS_TOKENS} revoked_till customer stale_customer other_customer sandbox_customer"
        " revoked_customer staff staff_without revoked_staff",
    },
    ("merchant", OWNED): {
        LET_IN: "till",
        MISSING: "other_merchants_till sandbox_till",
        # A merchant's own: what its other stores may see and end is the merchant's affair.
        ANSWERED: "other_stores_till",
        REFUSED: f"{_OTHERS_TOKENS} revoked_till customer stale_customer other_customer sandbox_customer"
        " revoked_customer staff staff_without revoked_staff",
    },
    ("merchant", SANDBOXED): {
        LET_IN: "sandbox_till",
        KEPT_OUT: "till other_stores_till other_merchants_till",
        REFUSED: f"{_OTHERS_TOKENS} revoked_till customer stale_customer other_customer sandbox_customer"
        " revoked_customer staff staff_without revoked_staff",
    },
    ("ingest", SOURCE): {
        LET_IN: "source_key",
        REFUSED: "nobody forged expired wrong_type client partner customer stale_customer other_customer"
        " sandbox_customer revoked_customer staff staff_without revoked_staff till other_stores_till"
        " other_merchants_till sandbox_till revoked_till",
    },
    ("sign-in", PUBLIC): {ALIKE: " ".join(KINDS)},
    ("sign-in", PROTOCOL): {ANSWERED: " ".join(KINDS)},
    ("public", PUBLIC): {ALIKE: " ".join(KINDS)},
    ("public", PROTOCOL): {ANSWERED: " ".join(KINDS)},
}


def row_of(door: str, operation: str) -> dict[str, str]:
    """What each kind gets of an operation.

    raises  Undeclared with the cells that nobody declared
    """
    whose = DECLARED[door][operation]
    given = _TABLE.get((door, whose if whose in _WORDS else PERMISSION), {})
    row = {kind: what for what, kinds in given.items() for kind in kinds.split()}
    missing = [kind for kind in KINDS if kind not in row]
    if missing:
        raise Undeclared(f"{operation}: nobody declared what {', '.join(missing)} get of it")
    if operation in FRESH:
        row["stale_customer"] = REFUSED if row["stale_customer"] == LET_IN else row["stale_customer"]
    return row


_WORDS = {OWN, OWNED, SOURCE, PUBLIC, PROTOCOL, SANDBOXED}


class Undeclared(Exception):
    """A cell of the matrix that nobody has filled in."""
