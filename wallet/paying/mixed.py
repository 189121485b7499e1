"""Mixed payments: gift cards, promotional value, points and cash pay one basket in one atomic transfer."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import Connection, connection_of
from core.errors import Busy, Refusal
from core.money import POINTS
from wallet import accounts, ledger, lots, payments, standing
from wallet.errors import AccountMissing, InsufficientFunds
from wallet.paying import purses
from wallet.paying.errors import GiftCardUnknown
from wallet.paying.purses import Purse
from wallet.paying.splits import Source
from wallet.payments import Payment
from wallet.transfers import Leg, LotMove, Posted

#: The brand's accounts of points: those it has given out (below nothing) and taken back, and what it paid for them.
LOYALTY = "loyalty"

_TRIES = 5


class NotCovered(Exception):
    """What the customer has in these sources is less than the amount: no second try can find more."""


@dataclass(slots=True)
class Drawn:
    """What sources give: the legs that take it, the lots that it comes out of, and the parts as they are shown."""

    legs: list[Leg] = field(default_factory=list)
    lots: list[LotMove] = field(default_factory=list)
    parts: list[dict[str, Any]] = field(default_factory=list)


def pay(session: Session, payment: Payment, sources: Sequence[Source]) -> Posted:
    """Pay out of these sources in their order, each giving what it can; read again where others take it meanwhile.

    raises   InsufficientFunds where they do not cover the amount, or AccountClosed, CurrencyUnknown where that is why;
             GiftCardUnknown; Busy; those of `payments.pay`
    effects  announces payment.completed; posts, so nothing else of this transaction may
    """
    for _ in range(_TRIES):
        # First, since what a payment took before is not there for it to be read again.
        done = _posted(session, payment)
        if done is not None:
            return done
        try:
            with session.begin_nested():
                connection = connection_of(session)
                drawn = draw(
                    connection, payment.customer_id, payment.amount_minor, payment.currency, sources, at=payment.at
                )
                mixed = replace(payment, sources=drawn.legs, lots=drawn.lots, parts=drawn.parts)
                return ledger.post(connection, payments.transfer_of(mixed))
        except InsufficientFunds:
            continue
        except AccountMissing as missing:
            _open_missing(connection_of(session), payment, missing)
        except (NotCovered, GiftCardUnknown) as refused:
            done = _posted(session, payment)  # a twin may just have taken it
            if done is not None:
                return done
            raise (refused if isinstance(refused, GiftCardUnknown) else _shortfall(session, payment)) from None
    raise Busy


def _shortfall(session: Session, payment: Payment) -> Refusal:
    cash = accounts.of_customer(payment.customer_id, payment.currency)
    return standing.shortfall(connection_of(session), cash)


def _posted(session: Session, payment: Payment) -> Posted | None:
    return ledger.find(
        connection_of(session), principal=payment.principal, key=payment.key, fingerprint=payment.fingerprint
    )


def draw(
    connection: Connection,
    customer_id: UUID,
    amount_minor: int,
    currency: str,
    sources: Sequence[Source],
    *,
    at: datetime,
) -> Drawn:
    """What each source gives of the amount, in their order.

    raises   NotCovered; GiftCardUnknown; InsufficientFunds where another transaction was quicker
    effects  locks the lots that it takes from
    """
    drawn = Drawn()
    left = amount_minor
    found = purses.of_customer(connection, customer_id, currency, sources, at=at)
    in_lots = [purse.account.id for purse in found if purse.account.has_lots and purse.available > 0]
    if len(in_lots) > 1:
        lots.lock(connection, in_lots)  # else a refund that gives back to both could wait for us, and we for it
    for purse in found:
        units, gives_minor = purse.gives(left)
        if gives_minor:
            left -= gives_minor
            _take(connection, drawn, purse, units, gives_minor, currency, at=at)
    if left:
        raise NotCovered
    return drawn


def _open_missing(connection: Connection, payment: Payment, missing: AccountMissing) -> None:
    loyalty = [accounts.of_brand(LOYALTY, asset) for asset in (payment.currency, POINTS)]
    if missing.account_id in {account.id for account in loyalty}:
        accounts.open_all(connection, loyalty)
    else:
        payments.open_missing(connection, payment, missing)


def _take(
    connection: Connection, drawn: Drawn, purse: Purse, units: int, gives_minor: int, currency: str, *, at: datetime
) -> None:
    drawn.legs.append(purse.account.leg(-units))
    if purse.account.has_lots:
        drawn.lots += lots.take(connection, purse.account.id, units, at=at)
    part: dict[str, Any] = {"kind": purse.kind, "amount_minor": gives_minor}
    if purse.voucher_id:
        part["voucher_id"] = str(purse.voucher_id)
    if purse.kind == "points":
        # Points go back to the brand that gave them, which pays their worth in their place.
        part["points"] = units
        drawn.legs.append(accounts.of_brand(LOYALTY, POINTS).leg(units))
        drawn.legs.append(accounts.of_brand(LOYALTY, currency).leg(-gives_minor))
    drawn.parts.append(part)
