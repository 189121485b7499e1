"""What a till writes when vouchers are used: redemptions, what counters and vouchers have left, and the facts."""

import json
from collections import Counter as Tally
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from core import ids
from core.db import Connection
from core.errors import NotFound
from rewards import counters
from rewards.discounts import Allocation
from rewards.events import VoucherRedeemed
from rewards.funds import Beaten
from rewards.redemption.deciding import Use
from rewards.redemption.evidence import user_of
from wallet.paying.tills import Till


@dataclass(frozen=True, slots=True, kw_only=True)
class Redemption:
    """One use of a voucher.

    amount_minor  what it took off or paid; lines: what of it off which line
    counted       what it took from counters: scope, measure, bucket, amount
    fingerprint   of the request that asked for it by itself, under its request_key
    replayed      it had been made before, for the same request
    """

    voucher_id: UUID
    campaign_id: UUID
    customer_id: UUID | None
    till: Till
    till_reference: str
    amount_minor: int
    currency: str
    transfer_id: UUID | None
    checkout_id: UUID | None
    redeemed_at: datetime
    lines: Allocation = ()
    counted: tuple[tuple[str, str, str, int], ...] = ()
    fingerprint: bytes | None = field(default=None, compare=False)
    request_key: str | None = field(default=None, compare=False)
    replayed: bool = field(default=False, compare=False)
    id: UUID = field(default_factory=ids.new)

    @property
    def fact(self) -> VoucherRedeemed:
        return VoucherRedeemed(
            customer_id=self.customer_id,
            occurred_at=self.redeemed_at,
            redemption_id=self.id,
            voucher_id=self.voucher_id,
            campaign_id=self.campaign_id,
            merchant_id=self.till.merchant_id,
            store_id=self.till.store_id,
            terminal_id=self.till.terminal_id,
            checkout_id=self.checkout_id,
            amount_minor=self.amount_minor,
            currency=self.currency,
        )


def redemption_of(
    use: Use,
    *,
    till: Till,
    till_reference: str,
    customer_id: UUID | None,
    transfer_id: UUID | None,
    checkout_id: UUID | None,
    at: datetime,
) -> Redemption:
    """The redemption that a use is; for a generic code the customer is whose basket it was."""
    return Redemption(
        voucher_id=use.voucher.id,
        campaign_id=use.voucher.terms.campaign_id,
        customer_id=user_of(use.voucher, customer_id),
        till=till,
        till_reference=till_reference,
        amount_minor=use.amount_minor,
        currency=use.voucher.terms.currency,
        transfer_id=transfer_id,
        checkout_id=checkout_id,
        redeemed_at=at,
        lines=use.lines,
        counted=tuple([(*each.counted[1:], each.add) for each in use.counted]),
    )


def record_all(connection: Connection, redeemed: Sequence[tuple[Use, Redemption]]) -> None:
    """Write redemptions, and count their uses on vouchers and counters, in three statements for any number.

    raises  LimitReached if a counter would pass its cap; Beaten when another transaction used a till's reference
    """
    count_all(connection, [use for use, _ in redeemed])
    insert_all(connection, [redemption for _, redemption in redeemed])


def count_all(connection: Connection, uses: Sequence[Use]) -> None:
    """Count uses on vouchers and counters. raises  LimitReached"""
    counters.use_all(connection, [each for use in uses for each in use.counted])
    tracked = [use for use in uses if use.voucher.is_locked]
    times = Tally(use.voucher.id for use in tracked)
    spent = {use.voucher.id for use in tracked if use.is_spent}
    if times:
        connection.execute(_USE, [list(times), list(times.values()), [voucher_id in spent for voucher_id in times]])


def insert_all(connection: Connection, redemptions: Sequence[Redemption]) -> None:
    """Write redemptions whose uses are counted. raises  Beaten"""
    if not redemptions:
        return
    columns = zip(*[_columns(redemption) for redemption in redemptions], strict=True)
    if connection.execute(_INSERT, [list(column) for column in columns]).rowcount < len(redemptions):
        raise Beaten


def of_checkouts(connection: Connection, checkout_ids: Sequence[UUID]) -> dict[UUID, list[Redemption]]:
    """The redemptions of these checkouts, in the order in which they were applied."""
    found: dict[UUID, list[Redemption]] = {}
    if checkout_ids:
        for row in connection.execute(f"{_SELECT} checkout_id = ANY(%s) ORDER BY id", [list(checkout_ids)]):
            redemption = _redemption(*row)
            found.setdefault(redemption.checkout_id or redemption.id, []).append(redemption)
    return found


def by_id(connection: Connection, redemption_id: UUID) -> Redemption:
    """raises  NotFound"""
    row = connection.execute(f"{_SELECT} id = %s", [redemption_id]).fetchone()
    if row is None:
        raise NotFound
    return _redemption(*row)


def _columns(redemption: Redemption) -> list[object]:
    till = redemption.till
    return [
        redemption.id, redemption.voucher_id, redemption.campaign_id, redemption.customer_id,
        till.merchant_id, till.store_id, till.terminal_id, redemption.till_reference,
        redemption.amount_minor, redemption.currency, redemption.transfer_id, redemption.checkout_id,
        redemption.redeemed_at, json.dumps(redemption.lines), json.dumps(redemption.counted),
        redemption.fingerprint, redemption.request_key,
    ]  # fmt: skip


def _redemption(
    redemption_id: UUID,
    voucher_id: UUID,
    campaign_id: UUID,
    customer_id: UUID | None,
    merchant_id: UUID,
    store_id: UUID,
    terminal_id: UUID,
    till_reference: str,
    amount_minor: int,
    currency: str,
    transfer_id: UUID | None,
    checkout_id: UUID | None,
    redeemed_at: datetime,
    lines: list[list[int]],
    counted: list[tuple[str, str, str, int]],
    fingerprint: bytes | None,
    request_key: str | None,
) -> Redemption:
    return Redemption(
        id=redemption_id,
        voucher_id=voucher_id,
        campaign_id=campaign_id,
        customer_id=customer_id,
        till=Till(merchant_id=merchant_id, store_id=store_id, terminal_id=terminal_id),
        till_reference=till_reference,
        amount_minor=amount_minor,
        currency=currency,
        transfer_id=transfer_id,
        checkout_id=checkout_id,
        redeemed_at=redeemed_at,
        lines=tuple([(at, amount) for at, amount in lines]),
        counted=tuple([(scope, measure, bucket, amount) for scope, measure, bucket, amount in counted]),
        fingerprint=fingerprint,
        request_key=request_key,
    )


_NAMES = """id, voucher_id, campaign_id, customer_id, merchant_id, store_id, terminal_id, till_reference,
           amount_minor, currency, transfer_id, checkout_id, redeemed_at, lines, counted, fingerprint, request_key"""

_SELECT = f"SELECT {_NAMES} FROM rewards.redemption WHERE"  # noqa: S608 - constants only

_INSERT = f"""
    INSERT INTO rewards.redemption
          ({_NAMES}, state)
    SELECT {_NAMES.replace("lines, counted", "lines::jsonb, counted::jsonb")}, 'succeeded'
      FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::uuid[], %s::uuid[], %s::uuid[], %s::uuid[], %s::text[],
                  %s::bigint[], %s::text[], %s::uuid[], %s::uuid[], %s::timestamptz[], %b::text[], %b::text[],
                  %s::bytea[], %s::text[])
           AS r ({_NAMES})
     ORDER BY id
        ON CONFLICT (terminal_id, till_reference) WHERE checkout_id IS NULL DO NOTHING
"""  # noqa: S608 - constants only

_USE = """
    UPDATE rewards.voucher v
       SET used = v.used + u.uses, state = CASE WHEN u.is_spent THEN 'used_up' ELSE v.state END
      FROM unnest(%s::uuid[], %s::int[], %s::boolean[]) AS u (id, uses, is_spent)
     WHERE v.id = u.id
"""
