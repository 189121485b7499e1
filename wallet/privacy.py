"""What the wallet holds on a customer, and what stands between them and their erasure: money."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import Connection, connection_of
from core.holdings import Held, Holder, Reason, Sealed
from wallet import accounts, balances, seals, standing
from wallet.identity import closures

_LAW = "the ledger: money that moved is kept by law, under a pseudonymous id"
_ACCOUNTS = "account_id IN (SELECT id FROM wallet.account WHERE owner = %(name)s)"
_HOLDS = "hold_id IN (SELECT id FROM wallet.hold WHERE customer_id = %(customer)s)"
_TOPUPS = "topup_id IN (SELECT id FROM wallet.topup WHERE customer_id = %(customer)s)"

#: What a customer may agree to lose, by the purpose of its account.
_FORFEITS = {"promotional": "promotional", "points": "points"}


def objections(session: Session, customer_id: UUID, now: datetime) -> Sequence[Reason]:
    """What is left in the wallet, and what is under way."""
    return [*_of_balances(session, customer_id), *_under_way(connection_of(session), customer_id, now)]


def part(session: Session, customer_id: UUID, now: datetime) -> Mapping[str, Any]:
    """Close the wallet for ever: promotional value and points go back to the brand.

    raises  AccountNotEmpty, TopupUnderWay, AccountFrozen, Busy for what came in between
    effects posts; announces wallet.closed
    """
    if standing.of(session, closures.lock(session, customer_id)) == "closed":
        return {"lapsed": []}
    closure = closures.close(
        session, customer_id, pay_out_to=None, forfeits=True, reason="erasure",
        asked_by=f"customer:{customer_id}", now=now,
    )  # fmt: skip
    return {"lapsed": list(closure.lapsed)}


def proof(connection: Connection, customer_id: UUID) -> Mapping[str, Any]:
    """What an erasure leaves as it is: the sum over all accounts of each asset, which is nothing while the ledger
    balances, and the customer's own entries, by number and SHA-256; with the head of the ledger's hash chain."""
    sums = connection.execute(_TRIAL_BALANCE).fetchall()
    digest, count = hashlib.sha256(), 0
    for entry in connection.execute(_ENTRIES, {"name": f"customer:{customer_id}"}):
        digest.update("|".join(map(str, entry)).encode() + b"\n")
        count += 1
    return {
        "trial_balance": [
            {"asset": asset, "debits": str(debits), "credits": str(credits_), "difference": str(credits_ + debits)}
            for asset, debits, credits_ in sums
        ],
        "entries": {"count": count, "sha256": digest.hexdigest()},
        "seal": str(seals.head(connection)),
    }


def _of_balances(session: Session, customer_id: UUID) -> Iterator[Reason]:
    owner = accounts.points(customer_id).owner
    if standing.of(session, owner) == "frozen":
        yield Reason(code="wallet_frozen")
    for each in balances.of(session, owner):
        facts = {"amount_minor": each.available, "currency": each.asset}
        if each.posted != each.available:
            yield Reason(code="money_held", facts=facts | {"amount_minor": each.posted - each.available})
        if each.posted < 0:
            yield Reason(code="money_owed", facts=facts | {"amount_minor": -each.posted})
        elif each.available > 0 and each.purpose in _FORFEITS:
            yield Reason(code=f"{each.purpose}_left", forfeit=_FORFEITS[each.purpose], facts=facts)
        elif each.available > 0:
            yield Reason(code="money_left", facts=facts)


def _under_way(connection: Connection, customer_id: UUID, now: datetime) -> Iterator[Reason]:
    for code, query in _UNDER_WAY.items():
        row = connection.execute(query, {"customer": customer_id, "now": now}).fetchone()
        if row and row[0]:
            yield Reason(code=code, facts={"count": row[0]})


_UNDER_WAY = {
    "topup_under_way": "SELECT count(*) FROM wallet.topup WHERE customer_id = %(customer)s"
    " AND state IN ('pending', 'requires_action', 'in_doubt')",
    # Its bank account is sealed under the customer's key until the file is made.
    "payout_under_way": "SELECT count(*) FROM wallet.customer_payout WHERE customer_id = %(customer)s"
    " AND file_id IS NULL AND EXISTS (SELECT FROM auth.approval a WHERE a.id = approval_id"
    " AND a.status IN ('waiting', 'approved') AND a.expires_at > %(now)s)",
    "dispute_under_way": "SELECT count(*) FROM wallet.dispute d JOIN wallet.topup t ON t.id = d.topup_id"
    " WHERE t.customer_id = %(customer)s AND d.status IN ('inquiry', 'open')",
}

_TRIAL_BALANCE = """
    SELECT asset, coalesce(sum(posted) FILTER (WHERE posted < 0), 0), coalesce(sum(posted) FILTER (WHERE posted > 0), 0)
      FROM wallet.balance GROUP BY asset ORDER BY asset
"""

_ENTRIES = """
    SELECT e.transfer_id, e.account_id, e.shard, e.version, e.amount, e.balance_after
      FROM wallet.entry e JOIN wallet.account a ON a.id = e.account_id
     WHERE a.owner = %(name)s ORDER BY e.account_id, e.shard, e.version
"""

HOLDER = Holder(
    room="wallet",
    objections=objections,
    parting=part,
    proof=proof,
    held=(
        Held(table="wallet.auto_topup", order="currency", erased="dropped"),
        Held(table="wallet.payment_preference", order="updated_at", erased="dropped"),
        Held(
            table="wallet.payer",
            order="provider",
            erased="dropped",
        ),
        Held(
            table="wallet.identity_check",
            hides=("key", "provider_reference", "principal"),
            erased="cleared",
            clears=("document", "handover"),
        ),
        Held(
            table="wallet.sending",
            where="sender_id = %(customer)s OR receiver_id = %(customer)s",
            opens={
                "phone": Sealed("wallet.sending.phone", owner="sender_id"),
                "note": Sealed("wallet.sending.note", owner="sender_id"),
            },
            people=("sender_id", "receiver_id"),
            erased="cleared",
            clears=("phone",),
            erases="receiver_id = %(customer)s",
            why=f"{_LAW}; number and note open for nobody once the sender's key is destroyed",
        ),
        Held(
            table="wallet.money_request",
            where="requester_id = %(customer)s OR payer_id = %(customer)s",
            opens={
                "phone": Sealed("wallet.money_request.phone", owner="requester_id"),
                "note": Sealed("wallet.money_request.note", owner="requester_id"),
            },
            people=("requester_id", "payer_id"),
            erased="cleared",
            clears=("phone",),
            erases="payer_id = %(customer)s",
            why="who asked whom; number and note open for nobody once the asker's key is destroyed",
        ),
        Held(table="wallet.account", where="owner = %(name)s", hides=("hot", "shards"), why=_LAW),
        Held(
            table="wallet.entry",
            where=_ACCOUNTS,
            order="account_id, shard, version",
            hides=("shard",),
            why=_LAW,
        ),
        Held(table="wallet.lot", where=_ACCOUNTS, why=_LAW),
        Held(table="wallet.hold", why=_LAW),
        Held(table="wallet.hold_move", where=_HOLDS, order="transfer_id", why=_LAW),
        Held(table="wallet.topup", hides=("key", "principal", "provider_reference", "payer"), why=_LAW),
        Held(table="wallet.topup_refund", where=_TOPUPS, hides=("actor", "provider_reference"), why=_LAW),
        Held(table="wallet.dispute", where=_TOPUPS, order="opened_at", hides=("provider_reference",), why=_LAW),
        Held(
            table="wallet.customer_payout",
            opens={"details": Sealed("wallet.customer_payout.details")},
            hides=("set_by",),
            why=f"{_LAW}; the bank account opens for nobody once the key is destroyed",
        ),
        Held(table="wallet.diverted_refund", order="diverted_at", hides=("settled_by",), why=_LAW),
        Held(
            table="wallet.transfer",
            where="principal = %(name)s",
            hides=("key",),
            why=_LAW,
        ),
        Held(table="wallet.holder", order="updated_at", why="the tier that limits were held against"),
        Held(table="wallet.usage", order="scope, asset", why="what limits have counted; it runs out by itself"),
    ),
    exempt={"wallet.transfer_batch": "made by staff and servers; its lines are transfers"},
)
