"""What a customer holds: their vouchers as the app's wallet shows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import connection_of
from core.errors import NotFound
from rewards import funds, terms
from rewards.vouchers import codes
from rewards.vouchers import rows as voucher_rows

State = Literal["active", "used_up", "expired", "blocked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A voucher as its holder sees it.

    name          its campaign's
    uses_left     of a coupon; None for no limit, and for a gift card
    value_minor   what a gift card holds now; None for a coupon
    is_transferable  it may be given to a friend
    """

    id: UUID
    campaign_id: UUID
    name: str
    kind: str
    discount: dict[str, Any]
    currency: str
    min_spend_minor: int
    state: State
    last4: str
    uses_left: int | None
    value_minor: int | None
    expires_at: datetime | None
    issued_at: datetime
    is_transferable: bool


def page(
    session: Session, customer_id: UUID, *, state: State | None = None, before: UUID | None, limit: int, now: datetime
) -> list[Holding]:
    """The customer's vouchers, latest first, from the one before `before` on; with two statements at most."""
    return _read(session, _PAGE, customer_id=customer_id, state=state, before=before, limit=limit, now=now)


def expiring_next(session: Session, customer_id: UUID, *, limit: int, now: datetime) -> list[Holding]:
    """Those that can be used now, the next to expire first; with two statements at most."""
    return _read(session, _EXPIRING, customer_id=customer_id, limit=limit, now=now)


def find(session: Session, customer_id: UUID, voucher_id: UUID, *, now: datetime) -> Holding:
    """raises  NotFound, also for someone else's"""
    found = _read(session, _ONE, customer_id=customer_id, voucher_id=voucher_id, now=now)
    if not found:
        raise NotFound
    return found[0]


def code_of(session: Session, customer_id: UUID, voucher_id: UUID) -> str:
    """The code in clear, for its holder's eyes, as it is drawn into a QR.

    raises  NotFound, also for someone else's; Erased
    """
    query = "SELECT campaign_id, code_ciphertext FROM rewards.voucher WHERE id = %s AND customer_id = %s"
    row = connection_of(session).execute(query, [voucher_id, customer_id]).fetchone()
    if row is None:
        raise NotFound
    return voucher_rows.open_code(
        session, voucher_id=voucher_id, campaign_id=row[0], customer_id=customer_id, ciphertext=row[1]
    )


def shown_code(session: Session, customer_id: UUID, voucher_id: UUID) -> str:
    """The code in clear, in groups of four for people to read.

    raises  as `code_of`
    """
    return codes.display(code_of(session, customer_id, voucher_id))


def _read(session: Session, query: str, **values: object) -> list[Holding]:
    connection = connection_of(session)
    rows = connection.execute(query, values).fetchall()
    cards = {row[0]: terms.gift_account(row[0], row[5]) for row in rows if row[3] == "gift_card"}
    values_left = funds.available(connection, cards.values()) if cards else {}
    return [_holding(row, values_left.get(cards[row[0]], 0) if row[0] in cards else None) for row in rows]


def _holding(row: Sequence[Any], value_minor: int | None) -> Holding:
    limit, used = row[9], row[10]
    return Holding(
        id=row[0],
        campaign_id=row[1],
        name=row[2],
        kind=row[3],
        discount=row[4],
        currency=row[5],
        min_spend_minor=row[6],
        state=row[7],
        last4=row[8],
        uses_left=None if limit is None or value_minor is not None else max(limit - used, 0),
        value_minor=value_minor,
        expires_at=row[11],
        issued_at=row[12],
        is_transferable=row[13],
    )


_HOLDING = f"""
    SELECT * FROM (
        SELECT v.id, v.campaign_id, c.name, c.kind, c.discount, c.currency, c.min_spend_minor,
               CASE WHEN v.state = 'blocked' THEN 'blocked'
                    WHEN {voucher_rows.HAS_LEFT} IS NOT TRUE THEN 'used_up'
                    WHEN v.expires_at <= %(now)s THEN 'expired'
                    ELSE 'active' END AS state,
               v.last4, {voucher_rows.USES_CAP} AS uses_cap, v.used, v.expires_at, v.issued_at,
               c.is_transferable OR c.kind = 'gift_card' AS is_transferable
          FROM rewards.voucher v JOIN rewards.campaign c ON c.id = v.campaign_id
         WHERE v.customer_id = %(customer_id)s) AS held
"""  # noqa: S608 - constants only

_PAGE = f"""
    {_HOLDING}
     WHERE (%(state)s::text IS NULL OR state = %(state)s) AND (%(before)s::uuid IS NULL OR id < %(before)s)
     ORDER BY id DESC LIMIT %(limit)s
"""

_EXPIRING = f"""
    {_HOLDING}
     WHERE state = 'active' ORDER BY expires_at NULLS LAST, id LIMIT %(limit)s
"""

_ONE = f"{_HOLDING} WHERE id = %(voucher_id)s"
