"""What is known beside the basket, read with at most one statement a kind for any number of baskets."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from core.db import Connection
from rewards import answers
from rewards.baskets import Basket
from rewards.products import Product
from rewards.rules.facts import Bought, Facts, History, Need, Person
from wallet.paying.tills import Till


def load(
    connection: Connection,
    needs: Collection[Need],
    *,
    customer_id: UUID | None,
    basket: Basket,
    till: Till | None,
    at: datetime,
    currency: str,
) -> Facts:
    """`load_many` of one."""
    facts = Facts(customer_id=customer_id, basket=basket, till=till, at=at, currency=currency)
    load_many(connection, needs, [facts])
    return facts


def load_many(connection: Connection, needs: Collection[Need], facts: Sequence[Facts]) -> None:
    """Fill in what rules need to know: `needs` is the union of theirs.

    What one of the baskets will have changed, such as the number of orders, the others do not see.
    """
    for need, fill in _FILL.items():
        if need in needs:
            fill(connection, facts)
    asked = [need for need in needs if isinstance(need, Bought)]
    if asked:
        _fill_bought(connection, facts, asked)


def _customers(facts: Sequence[Facts]) -> list[UUID]:
    return sorted({each.customer_id for each in facts if each.customer_id})


def _fill_customer(connection: Connection, facts: Sequence[Facts]) -> None:
    if not (customers := _customers(facts)):
        return
    rows = connection.execute("SELECT id, created_at, locale FROM auth.customer WHERE id = ANY(%s)", [customers])
    found = {row[0]: Person(signed_up_at=row[1], locale=row[2]) for row in rows}
    for each in facts:
        each.person = found.get(each.customer_id) if each.customer_id else None


def _fill_store(connection: Connection, facts: Sequence[Facts]) -> None:
    if not (stores := sorted({each.till.store_id for each in facts if each.till})):
        return
    rows = connection.execute("SELECT id, reference FROM auth.store WHERE id = ANY(%s)", [stores]).fetchall()
    found: dict[UUID, str | None] = dict(rows)
    for each in facts:
        each.store_reference = found.get(each.till.store_id) if each.till else None


def _fill_products(connection: Connection, facts: Sequence[Facts]) -> None:
    if not (skus := sorted({line.sku for each in facts for line in each.basket.lines})):
        return
    rows = connection.execute(
        "SELECT sku, name, category, department, brand, size FROM rewards.product WHERE sku = ANY(%s)", [skus]
    )
    found = {row[0]: Product(*row) for row in rows}
    for each in facts:
        each.products = found


def _fill_history(connection: Connection, facts: Sequence[Facts]) -> None:
    if not (known := [each for each in facts if each.customer_id]):
        return
    asked: list[Any] = [[getattr(each, name) for each in known] for name in ("customer_id", "at", "currency")]
    for place, orders, spent_minor, last_at in connection.execute(_HISTORY, asked):
        known[place - 1].history = History(orders=orders, spent_minor=int(spent_minor), last_at=last_at)


def _fill_audiences(connection: Connection, facts: Sequence[Facts]) -> None:
    if not (customers := _customers(facts)):
        return
    found: dict[UUID, set[UUID]] = {}
    rows = connection.execute(
        "SELECT customer_id, audience_id FROM rewards.audience_member WHERE customer_id = ANY(%s)", [customers]
    )
    for customer_id, audience_id in rows:
        found.setdefault(customer_id, set()).add(audience_id)
    for each in facts:
        each.audiences = frozenset(found.get(each.customer_id, ())) if each.customer_id else None


def _fill_segments(connection: Connection, facts: Sequence[Facts]) -> None:
    found = answers.segments_of(connection, _customers(facts))
    for each in facts:
        each.segments = found.get(each.customer_id) if each.customer_id else None


def _fill_bought(connection: Connection, facts: Sequence[Facts], asked: Sequence[Bought]) -> None:
    if not (customers := _customers(facts)):
        return
    since = min(each.at for each in facts) - timedelta(days=max(each.within_days for each in asked))
    skus, categories = ([each.name for each in asked if each.word == word] for word in ("sku", "category"))
    found: dict[UUID, dict[tuple[str, str], list[datetime]]] = {each: {} for each in customers}
    rows = connection.execute(_BOUGHT, {"customers": customers, "since": since, "skus": skus, "categories": categories})
    for customer_id, word, name, at in rows:
        found[customer_id].setdefault((word, name), []).append(at)
    for each in facts:
        each.bought = found[each.customer_id] if each.customer_id else None


_FILL = {
    "customer": _fill_customer,
    "store": _fill_store,
    "products": _fill_products,
    "history": _fill_history,
    "audiences": _fill_audiences,
    "segments": _fill_segments,
}

#: By ix_checkout_customer_id_completed_at. What was returned whole is no order any more.
_HISTORY = """
    SELECT w.place, count(c.id), coalesce(sum(c.total_minor - c.back_minor) FILTER (WHERE c.currency = w.currency), 0),
           max(c.completed_at)
      FROM unnest(%s::uuid[], %s::timestamptz[], %s::text[]) WITH ORDINALITY AS w (customer_id, at, currency, place)
      LEFT JOIN rewards.checkout c
        ON c.customer_id = w.customer_id AND c.completed_at < w.at
       AND (c.back_minor < c.total_minor OR c.total_minor = 0)
     GROUP BY w.place
"""

#: By ix_event_timeline: one walk through the customers' days, for any number of products and categories.
_BOUGHT = """
    WITH line AS (
        SELECT e.customer_id, e.id, e.occurred_at, l.sku, l.category
          FROM core.event e
         CROSS JOIN LATERAL jsonb_to_recordset(e.payload -> 'lines') AS l (sku text, category text)
         WHERE e.customer_id = ANY(%(customers)s) AND e.occurred_at >= %(since)s AND e.name = 'order.completed'
           AND (l.sku = ANY(%(skus)s::text[]) OR l.category = ANY(%(categories)s::text[]))
    ), named AS (
        SELECT DISTINCT customer_id, id, occurred_at, 'sku' AS word, sku AS name
          FROM line WHERE sku = ANY(%(skus)s::text[])
         UNION ALL
        SELECT DISTINCT customer_id, id, occurred_at, 'category', category
          FROM line WHERE category = ANY(%(categories)s::text[])
    )
    SELECT customer_id, word, name, occurred_at FROM named
"""
