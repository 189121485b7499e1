"""What rewards hold on a customer: coupons, gift cards, what was redeemed and refused."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import connection_of
from core.holdings import Held, Holder, Reason, Sealed

_BOOKS = "what was bought with it stands in the ledger and in the campaign's figures, under a pseudonymous id"


def objections(session: Session, customer_id: UUID, now: datetime) -> Sequence[Reason]:
    """Gift cards that somebody paid for and gifts on their way come first; coupons and given cards may be forfeited."""
    connection, asked = connection_of(session), {"customer": customer_id, "now": now}
    reasons = []
    for is_bought, currency, amount in connection.execute(_CARDS, asked):
        facts = {"amount_minor": amount, "currency": currency}
        code, forfeit = ("gift_card_left", None) if is_bought else ("given_card_left", "gift_cards")
        reasons.append(Reason(code=code, forfeit=forfeit, facts=facts))
    for code, forfeit, query in _COUNTS:
        row = connection.execute(query, asked).fetchone()
        if row and row[0]:
            reasons.append(Reason(code=code, forfeit=forfeit, facts={"count": row[0]}))
    return reasons


def part(session: Session, customer_id: UUID, now: datetime) -> Mapping[str, Any]:
    """Block what the customer could still use; what stands on a given card goes back as it lapses."""
    blocked = connection_of(session).execute(_BLOCK, [customer_id]).rowcount
    return {"vouchers_blocked": blocked}


_CARDS = """
    SELECT g.buyer_id IS NOT NULL OR g.keeps_until IS NOT NULL, c.currency, sum(b.posted)::bigint
      FROM rewards.voucher v
      JOIN rewards.campaign c ON c.id = v.campaign_id AND c.kind = 'gift_card'
      LEFT JOIN rewards.gift_card g ON g.voucher_id = v.id
      JOIN wallet.account a ON a.owner = 'voucher:' || v.id AND a.purpose = 'gift' AND a.asset = c.currency
      JOIN wallet.balance b ON b.account_id = a.id
     WHERE v.customer_id = %(customer)s AND b.posted > 0
       AND (v.state <> 'blocked' OR g.buyer_id IS NOT NULL OR g.keeps_until IS NOT NULL)
       AND (v.expires_at IS NULL OR v.expires_at > %(now)s OR g.keeps_until > %(now)s)
     GROUP BY 1, 2 ORDER BY 1 DESC, 2
"""

_COUNTS = (
    (
        "gift_under_way",
        None,
        "SELECT count(*) FROM rewards.gift WHERE giver_id = %(customer)s AND ended_at IS NULL",
    ),
    (
        "coupons_left",
        "coupons",
        "SELECT count(*) FROM rewards.voucher v JOIN rewards.campaign c ON c.id = v.campaign_id"
        " WHERE c.kind = 'coupon' AND v.customer_id = %(customer)s AND v.state = 'active'"
        " AND (v.expires_at IS NULL OR v.expires_at > %(now)s)",
    ),
)

_BLOCK = "UPDATE rewards.voucher SET state = 'blocked' WHERE customer_id = %s AND state IN ('active', 'inactive')"

HOLDER = Holder(
    room="rewards",
    objections=objections,
    parting=part,
    held=(
        Held(table="rewards.audience_member", order="audience_id", erased="dropped"),
        Held(table="rewards.offline_token", erased="dropped"),
        Held(table="rewards.offline_key", order="registered_at", hides=("public_key",), erased="dropped"),
        Held(table="rewards.visit", hides=("terminal_id",), erased="dropped"),
        Held(
            table="rewards.gift",
            where="giver_id = %(customer)s OR receiver_id = %(customer)s",
            opens={
                "phone": Sealed("rewards.gift.phone", owner="giver_id"),
                "message": Sealed("rewards.gift.message", owner="giver_id"),
            },
            people=("giver_id", "receiver_id"),
            erased="cleared",
            clears=("phone",),
            erases="receiver_id = %(customer)s",
            why="who was given what; number and message open for nobody once the giver's key is destroyed",
        ),
        Held(
            table="rewards.voucher",
            opens={"code_ciphertext": Sealed("rewards.voucher.code")},
            hides=("source",),
            why=f"{_BOOKS}; the code opens for nobody once the key is destroyed",
        ),
        Held(table="rewards.gift_card", where="buyer_id = %(customer)s", order="voucher_id", why=_BOOKS),
        Held(table="rewards.checkout", order="completed_at", why=_BOOKS),
        Held(table="rewards.redemption", order="redeemed_at", hides=("request_key", "counted"), why=_BOOKS),
        Held(table="rewards.rollback", where="principal = %(name)s", hides=("key",), why=_BOOKS),
        Held(table="rewards.reservation", order="reserved_at", why=_BOOKS),
        Held(
            table="rewards.reserved_use", order="reservation_id, place", hides=("counted",), is_told=False,
            why=f"the lines of a reservation, which is told; {_BOOKS}",
        ),
        Held(table="rewards.refusal", order="refused_at", why="counts of refusals, under a pseudonymous id"),
        Held(
            table="rewards.offline_redemption",
            hides=("scanned",),
            why=f"a till's evidence of what it took; {_BOOKS}",
        ),
    ),
    exempt={"rewards.sandbox": "people of a sandbox are nobody"},
)  # fmt: skip
