"""Automatic top-ups: a customer's saved card is charged when a payment leaves less cash than they wished."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import ids, work
from core.db import connection_of, transaction
from core.errors import NotFound, Refusal
from core.events import announce
from core.gateways.payments import PaymentGateway
from wallet import accounts
from wallet.assets import wallet_currencies
from wallet.errors import CurrencyUnknown, LimitExceeded, TopupDeclined
from wallet.topups import payers, requests
from wallet.topups.errors import PaymentMethodUnknown
from wallet.topups.events import AutoTopupPaused
from wallet.topups.models import AutoTopup, Topup
from wallet.topups.requests import TopupRequest

BATCH = 4
#: As many calls of 20 s as there are rows in a batch, and one more.
LEASE = timedelta(seconds=20 * (BATCH + 1))
#: A card that was declined is tried again by the next payments, and then no more.
MOST_DECLINES = 3
MOST_A_DAY = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Bring `amount_minor` in from the saved method whenever the cash is below `below_minor`."""

    currency: str
    below_minor: int
    amount_minor: int
    payment_method: str


def set_(customer_id: UUID, wish: Wish, *, gateway: PaymentGateway, now: datetime) -> AutoTopup:
    """Keep a customer's wish, and begin anew after a pause; it is looked at once. Opens transactions of its own.

    raises  CurrencyUnknown; PaymentMethodUnknown where the provider keeps no such method for them; ProviderUnavailable
    """
    if wish.currency not in wallet_currencies():
        raise CurrencyUnknown
    if all(each.id != wish.payment_method for each in payers.methods(customer_id, gateway=gateway)):
        raise PaymentMethodUnknown

    values = {
        "currency": wish.currency, "below_minor": wish.below_minor, "amount_minor": wish.amount_minor,
        "payment_method": wish.payment_method, "state": "active", "declines": 0, "attempts": 0, "due_at": now,
        "last_error": None, "lease_token": None, "lease_until": None, "changed_at": now,
    }  # fmt: skip
    with transaction() as session:
        statement = insert(AutoTopup).values(id=ids.new(), customer_id=customer_id, **values)
        statement = statement.on_conflict_do_update(index_elements=["customer_id"], set_=values)
        return session.scalars(statement.returning(AutoTopup)).one()


def find(session: Session, customer_id: UUID) -> AutoTopup:
    """raises  NotFound"""
    wish = session.scalars(select(AutoTopup).where(AutoTopup.customer_id == customer_id)).one_or_none()
    if wish is None:
        raise NotFound
    return wish


def drop(session: Session, customer_id: UUID, *, payment_method: str | None = None) -> None:
    """Forget a customer's wish, or only one that charges this method; none is no fault."""
    statement = delete(AutoTopup).where(AutoTopup.customer_id == customer_id)
    if payment_method is not None:
        statement = statement.where(AutoTopup.payment_method == payment_method)
    session.execute(statement)


def look_at(session: Session, customer_ids: Collection[UUID], *, now: datetime) -> None:
    """Make the wishes due of those among these customers whose cash has fallen too low."""
    query = select(AutoTopup).where(
        AutoTopup.customer_id.in_(customer_ids), AutoTopup.state == "active", AutoTopup.due_at.is_(None)
    )
    for wish in session.scalars(query):
        if _spendable(session, wish) < wish.below_minor:
            wish.due_at = now


def charge_due(gateway: PaymentGateway, now: datetime) -> int:
    """Charge those whose cash is still too low; how many were due. One whose worker died is looked at again.

    effects  what `requests.take` does; announces auto_topup.paused at the third decline in a row
    """
    with transaction() as session:
        _take_up_lost(session, now=now)
        token, wishes = work.claim(
            session, AutoTopup, waiting="active", leased="charging", limit=BATCH, lease=LEASE, now=now
        )
        wanted = [(wish, _request(session, wish, gateway=gateway, now=now)) for wish in wishes]

    for wish, request in wanted:
        refusal = _charge(request, gateway=gateway, now=now) if request else None
        with transaction() as session:
            if isinstance(refusal, LimitExceeded):
                _wait(session, wish, token, refusal, now=now)
            else:
                _settle(session, wish, token, was_charged=request is not None, declined=_reason(refusal), now=now)
    return len(wishes)


def _take_up_lost(session: Session, *, now: datetime) -> None:
    for wish in work.lost_leases(session, AutoTopup, leased="charging", limit=BATCH, now=now):
        wish.state, wish.due_at, wish.lease_token, wish.lease_until = "active", now, None, None


def _request(session: Session, wish: AutoTopup, *, gateway: PaymentGateway, now: datetime) -> TopupRequest | None:
    """The charge that is due; None where the cash is up again, a top-up is under way or the day's number is reached."""
    if _spendable(session, wish) >= wish.below_minor:
        return None
    recent = session.execute(
        select(func.count(), func.count().filter(Topup.state.in_(["pending", "in_doubt"]))).where(
            Topup.customer_id == wish.customer_id, Topup.way == "automatic", Topup.created_at > now - timedelta(days=1)
        )
    ).one()
    # The key counts what was made: a worker that takes this up after a crash asks for the same top-up, not another. It
    # counts the declines too, since a refusal makes none and stays under its key for ever.
    if recent[0] >= MOST_A_DAY or recent[1]:
        return None
    key = f"auto:{wish.id}:{wish.changed_at.timestamp()}:{_made(session, wish)}:{wish.declines}"
    return TopupRequest(
        principal="wallet",
        key=key,
        fingerprint=hashlib.sha256(key.encode()).digest(),
        customer_id=wish.customer_id,
        amount_minor=wish.amount_minor,
        currency=wish.currency,
        source=wish.payment_method,
        payer=payers.known(session, wish.customer_id, provider=gateway.name),
        way="automatic",
    )


def _made(session: Session, wish: AutoTopup) -> int:
    query = select(func.count()).where(Topup.customer_id == wish.customer_id, Topup.way == "automatic")
    return session.scalars(query).one()


def _charge(request: TopupRequest, *, gateway: PaymentGateway, now: datetime) -> Refusal | None:
    """Why it was not charged; None where it was, or where nobody can tell yet."""
    try:
        requests.take(request, gateway=gateway, now=now)
    except Refusal as refusal:
        return refusal
    return None


def _wait(session: Session, wish: AutoTopup, token: UUID, refusal: LimitExceeded, *, now: datetime) -> None:
    """A full limit says nothing of the card: it is tried again when the limit renews, hourly where it never does."""
    renews_at = refusal.facts.get("renews_at")
    due_at = max(datetime.fromisoformat(renews_at), now) if renews_at else now + timedelta(hours=1)
    # Changed, so that the next charge has a key of its own: the refusal stays under this one's for ever.
    columns = {"state": "active", "due_at": due_at, "last_error": refusal.code, "changed_at": now}
    work.settle(session, AutoTopup, wish.id, token, **columns)


def _reason(refusal: Refusal | None) -> str | None:
    if isinstance(refusal, TopupDeclined):
        return str(refusal.facts.get("reason"))
    return refusal.code if refusal else None


def _settle(
    session: Session, wish: AutoTopup, token: UUID, *, was_charged: bool, declined: str | None, now: datetime
) -> None:
    declines = wish.declines if not was_charged else wish.declines + 1 if declined else 0
    is_paused = declines >= MOST_DECLINES
    ours = work.settle(
        session,
        AutoTopup,
        wish.id,
        token,
        state="paused" if is_paused else "active",
        declines=declines,
        due_at=None,
        last_error=declined,
    )
    if ours and is_paused and declined:
        announce(
            session,
            AutoTopupPaused(customer_id=wish.customer_id, occurred_at=now, currency=wish.currency, reason=declined),
        )


def _spendable(session: Session, wish: AutoTopup) -> int:
    cash = accounts.of_customer(wish.customer_id, wish.currency).id
    row = connection_of(session).execute(_SPENDABLE, [cash]).fetchone()
    return int(row[0]) if row else 0


_SPENDABLE = "SELECT posted - held FROM wallet.balance WHERE account_id = %s"
