"""How campaigns and a customer stand right now: read, never locked."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.db import Connection
from rewards import funds
from rewards.counters import Counted, CountedUse
from rewards.redemption.conditions import Case
from rewards.terms import Terms
from rewards.vouchers import rows as voucher_rows


@dataclass(frozen=True, slots=True)
class Own:
    """A coupon that the customer holds and can still use."""

    id: UUID
    expires_at: datetime | None
    last4: str


def of_customer(
    connection: Connection, customer_id: UUID | None, *, at: datetime
) -> tuple[dict[UUID, list[Own]], frozenset[UUID]]:
    """By campaign, the customer's coupons that can be used, the first to expire first; and their audiences."""
    if customer_id is None:
        return {}, frozenset()
    own: dict[UUID, list[Own]] = {}
    for campaign_id, *voucher in connection.execute(_OWN, [customer_id, at]):
        own.setdefault(campaign_id, []).append(Own(*voucher))
    rows = connection.execute("SELECT audience_id FROM rewards.audience_member WHERE customer_id = %s", [customer_id])
    return own, frozenset([row[0] for row in rows])


def with_codes(connection: Connection, campaign_ids: Sequence[UUID]) -> set[UUID]:
    """Those that have a code which anybody may show."""
    if not campaign_ids:
        return set()
    return {row[0] for row in connection.execute(_WITH_CODES, [list(campaign_ids)])}


def left(connection: Connection, uses: Sequence[CountedUse]) -> dict[Counted, int]:
    """What the counters of these uses have left under their caps."""
    if not uses:
        return {}
    caps = {use.counted: use.cap for use in uses}
    columns = [list(column) for column in zip(*caps, strict=True)]
    used: dict[Counted, int] = {(row[0], row[1], row[2], row[3]): row[4] for row in connection.execute(_USED, columns)}
    return {counted: cap - used.get(counted, 0) for counted, cap in caps.items()}


def complete(connection: Connection, case: Case) -> None:
    """Look at what nobody has looked at of a coupon: what its counters and its budget have left."""
    uses = [use for use in case.uses(case.worth) if use.counted not in case.left]
    if uses:
        case.left = {**case.left, **left(connection, uses)}
    if case.budget is None:
        account = case.terms.budget_account
        case.budget = funds.available(connection, [account]).get(account, 0)


def budgets(connection: Connection, of_campaigns: Collection[Terms]) -> dict[UUID, int]:
    """By account, what campaigns can still pay, in minor units."""
    return funds.available(connection, [terms.budget_account for terms in of_campaigns])


#: By ix_voucher_customer_id_id. Of a customer's own coupon the campaign says how often it may be used.
_OWN = f"""
    SELECT v.campaign_id, v.id, v.expires_at, v.last4
      FROM rewards.voucher v JOIN rewards.campaign c ON c.id = v.campaign_id
     WHERE v.customer_id = %s AND v.state IN ('active', 'used_up') AND c.kind = 'coupon'
       AND (v.expires_at IS NULL OR v.expires_at > %s)
       AND (v.used < {voucher_rows.USES_CAP}) IS NOT FALSE
     ORDER BY v.expires_at NULLS LAST, v.id
"""  # noqa: S608 - constants only

_WITH_CODES = """
    SELECT w.id FROM unnest(%s::uuid[]) AS w (id)
     WHERE EXISTS (SELECT FROM rewards.voucher v WHERE v.campaign_id = w.id AND v.is_generic AND v.state = 'active')
"""

_USED = """
    SELECT campaign_id, scope, measure, bucket, c.used
      FROM rewards.counter c
      JOIN unnest(%s::uuid[], %s::text[], %s::text[], %s::text[])
           AS w (campaign_id, scope, measure, bucket) USING (campaign_id, scope, measure, bucket)
"""
