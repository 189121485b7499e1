"""A sandbox's customers and their money, which comes from nowhere."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core import ids
from core.db import connection_of
from core.errors import InvalidInput, NotFound
from core.money import SANDBOX
from rewards.tills.errors import SandboxWalletFull
from rewards.tills.models import Sandbox
from wallet import accounts, ledger, standing
from wallet.accounts import Opening
from wallet.transfers import Posted, Transfer

REGULAR, POOR, FROZEN, OTHER = "regular", "poor", "frozen", "other"

#: What each has to begin with, and after a reset.
CUSTOMERS: Mapping[str, int] = {REGULAR: 50_000, POOR: 0, FROZEN: 50_000, OTHER: 50_000}

#: What one can have by topping up.
MOST_MINOR = 1_000_000


def customer_of(sandbox: Sandbox, name: str) -> UUID:
    """raises  NotFound"""
    if name not in sandbox.customers:
        raise NotFound("There is no such customer in the sandbox")
    return UUID(sandbox.customers[name])


def balances(session: Session, sandbox: Sandbox) -> dict[str, int]:
    """What each customer can spend now, in minor units, by name."""
    accounts_of = {_cash(UUID(customer_id)).id: name for name, customer_id in sandbox.customers.items()}
    query = "SELECT account_id, posted - held FROM wallet.balance WHERE account_id = ANY(%s)"
    rows = connection_of(session).execute(query, [list(accounts_of)])
    return {accounts_of[account_id]: available for account_id, available in rows}


def top_up(session: Session, sandbox: Sandbox, name: str, amount_minor: int, *, key: str, now: datetime) -> int:
    """Give a customer more; what they have then.

    raises  NotFound; InvalidInput for nothing or less; SandboxWalletFull
    """
    customer_id = customer_of(sandbox, name)
    if amount_minor <= 0:
        raise InvalidInput(errors=[{"pointer": "/amount_minor", "detail": "must be above nothing"}])
    _lock(session, sandbox)
    has = balances(session, sandbox)[name]
    if has + amount_minor > MOST_MINOR:
        raise SandboxWalletFull(has_minor=has, most_minor=MOST_MINOR)
    _move(session, sandbox, customer_id, amount_minor, key=f"top-up:{key}", now=now)
    return has + amount_minor


def reset(session: Session, sandbox: Sandbox, *, now: datetime) -> None:
    """Bring every customer to what they began with; what is held stays so. Whoever is frozen stays frozen."""
    for customer_id in sandbox.customers.values():
        accounts.open_all(session, [_cash(UUID(customer_id))])
    accounts.open_all(session, [_source()])
    _lock(session, sandbox)
    frozen = f"customer:{sandbox.customers[FROZEN]}"
    standing.unfreeze(session, frozen)
    for name, has in sorted(balances(session, sandbox).items()):
        missing = CUSTOMERS[name] - has
        if missing:
            _move(session, sandbox, customer_of(sandbox, name), missing, key=f"reset:{ids.new()}", now=now)
    standing.freeze(session, frozen)


def _lock(session: Session, sandbox: Sandbox) -> None:
    """One at a time: what is read of the balances here is what is moved."""
    session.refresh(sandbox, with_for_update=True)


def _move(
    session: Session, sandbox: Sandbox, customer_id: UUID, amount_minor: int, *, key: str, now: datetime
) -> Posted:
    return ledger.post(
        connection_of(session),
        Transfer(
            id=ids.new(),
            principal=f"sandbox:{sandbox.merchant_id}",
            key=key,
            fingerprint=hashlib.sha256(f"{customer_id}|{amount_minor}".encode()).digest(),
            kind="sandbox.money",
            legs=(_source().leg(-amount_minor), _cash(customer_id).leg(amount_minor)),
            effective_at=now,
        ),
    )


def _cash(customer_id: UUID) -> Opening:
    return accounts.of_customer(customer_id, SANDBOX)


def _source() -> Opening:
    return accounts.of_brand("sandbox", SANDBOX)
