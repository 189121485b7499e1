"""Receipts of erasures: what was dropped, what is kept and why, and that the ledger says what it said before."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from auth.keys import ring
from auth.privacy import answers
from auth.privacy.models import Erasure

TYPE = "erasure-receipt+jwt"


def sign(erasure: Erasure, *, after: Mapping[str, Any], now: datetime) -> str:
    """A JWS by the key that signs tokens: anyone can check it against the key set."""
    return ring.sign(claims(erasure, after=after, now=now), typ=TYPE)


def claims(erasure: Erasure, *, after: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    before = erasure.before or {}
    return {
        "iss": ring.issuer(),
        "iat": int(now.timestamp()),
        "jti": str(erasure.id),
        "sub": str(erasure.customer_id),
        "asked_at": erasure.asked_at.isoformat(),
        "done_at": now.isoformat(),
        "given_up": erasure.parted,
        "data_key": erasure.steps["key"],
        "register": erasure.steps["register"],
        "rooms": {holder.room: [_line(erasure, held) for held in holder.held] for holder in answers.holders()},
        "before": before,
        "after": after,
        "is_balanced": is_balanced(before, after),
    }


def is_balanced(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether every asset still sums to nothing, and the customer's entries are those that there were."""
    wallets = [proof.get("wallet", {}) for proof in (before, after)]
    sums = [int(line["difference"]) for wallet in wallets for line in wallet.get("trial_balance", ())]
    return not any(sums) and wallets[0].get("entries") == wallets[1].get("entries")


def _line(erasure: Erasure, held: Any) -> dict[str, Any]:
    if held.erased == "kept":
        return {"table": held.table, "kept": held.why}
    done = {"table": held.table, held.erased: erasure.steps.get(held.table, {}).get("rows", 0)}
    return done | {"kept": held.why} if held.erases else done
