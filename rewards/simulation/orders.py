"""The past baskets that a campaign is played over, in the order in which they were paid."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.db import statement
from rewards.baskets import Basket, Line

#: How many orders are read at a time: a second of playing, and a few megabytes.
PAGE = 5_000


@dataclass(frozen=True, slots=True)
class Order:
    id: UUID
    at: datetime
    customer_id: UUID
    merchant_id: UUID
    store_id: UUID
    currency: str
    discount_minor: int
    basket: Basket


def pages(*, since: datetime, until: datetime) -> Iterator[list[Order]]:
    """The orders in (since, until], some thousands at a time, with no transaction open between two pages."""
    last = (since, UUID(int=(1 << 128) - 1))
    while True:
        with statement() as connection:
            rows = connection.execute(_PAGE, [*last, until, PAGE]).fetchall()
        if not rows:
            return
        yield [_order(*row) for row in rows]
        last = (rows[-1][1], rows[-1][0])


def _order(order_id: UUID, at: datetime, customer_id: UUID, payload: str) -> Order:
    told = json.loads(payload)
    lines = tuple(
        [
            Line(
                each["sku"],
                each["category"],
                each["quantity"],
                each["amount_minor"],
                unit=each["unit"],
                coupon_minor=each.get("coupon_minor", 0),
            )
            for each in told["lines"]
        ]
    )
    return Order(
        order_id,
        at,
        customer_id,
        UUID(told["merchant_id"]),
        UUID(told["store_id"]),
        told["currency"],
        told["discount_minor"],
        Basket(lines),
    )


# As text, since psycopg reads JSON only to hand it to the same function; along ix_event_orders.
_PAGE = """
    SELECT id, occurred_at, customer_id, payload::text FROM core.event
     WHERE name = 'order.completed' AND (occurred_at, id) > (%s, %s) AND occurred_at <= %s
     ORDER BY occurred_at, id LIMIT %s
"""
