"""Outcomes: what each customer did within the window that began when they entered, in whichever arm they are.

All of it follows from the log alone. A row that is new takes over what its customer's events so far amount to, up to
where the batch ends for them; from then on each event adds to the rows that are there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, replace
from datetime import datetime
from uuid import UUID

from core.db import Connection
from core.events import LoggedEvent
from engage.results import counting
from engage.results.counting import Known
from engage.results.trials import Drawn

ORDER, REFUND = "order.completed", "payment.refunded"

_Position = tuple[int, int, int]


@dataclass(slots=True)
class _Deed:
    """What one event adds to a customer's outcomes: all of them, or those of one journey, broadcast or campaign."""

    customer_id: UUID
    at: datetime
    scope_id: UUID | None = None
    orders: int = 0
    revenue_minor: int = 0
    refunded_minor: int = 0
    redeemed_minor: int = 0
    is_converted: bool = False


@dataclass(slots=True)
class _New:
    """A row to be; until: the last event of its customer that this batch or an earlier one has handled."""

    scope_id: UUID
    customer_id: UUID
    arm: str
    entered_at: datetime
    ripe_at: datetime
    redeemed_minor: int
    is_converted: bool
    drawn: Drawn | None
    until: _Position


def keep(connection: Connection, events: Sequence[LoggedEvent], known: Known, *, currency: str) -> None:
    """Bring the outcomes up to date with a batch.

    currency  the one whose orders count
    """
    deeds = [deed for event in events for deed in _deeds(event, known, currency)]
    if deeds:
        # Only to rows that were there before: those below look back over these same events.
        columns = [list(column) for column in zip(*map(astuple, deeds), strict=True)]
        connection.execute(_ADD, columns)
    new = list(_entered(events, known, deeds))
    if new:
        columns = [list(column) for column in zip(*(_values(one) for one in new), strict=True)]
        connection.execute(_INSERT, [*columns, currency])


def _deeds(event: LoggedEvent, known: Known, currency: str) -> Iterator[_Deed]:
    if event.customer_id is None:
        return
    done, words = _Deed(event.customer_id, event.occurred_at), event.payload
    if event.name in (ORDER, REFUND):
        if words["currency"] != currency:
            return
        if event.name == ORDER:
            yield replace(done, orders=1, revenue_minor=words["total_minor"])
        else:
            yield replace(done, refunded_minor=words["amount_minor"])
    elif event.name in (counting.REDEEMED, counting.ROLLED_BACK):
        given = known.origins.vouchers.get(UUID(words["voucher_id"]))
        if given is None:
            return
        done.redeemed_minor = words["amount_minor"] if event.name == counting.REDEEMED else -words["amount_minor"]
        yield replace(done, scope_id=given.campaign_id)
        # A voucher that was handed on to a friend is the friend's deed: it stands in the tallies alone.
        if given.origin is not None and given.origin.customer_id == event.customer_id:
            yield replace(done, scope_id=given.origin.scope_id)
    elif event.name == counting.GRANTED and (journey_id := counting.giver_of(event)) is not None:
        if words["currency"] == currency:
            yield replace(done, scope_id=journey_id, redeemed_minor=words["amount_minor"])
    elif event.name == counting.CONVERTED:
        at = datetime.fromisoformat(words["converted_at"])
        yield replace(done, at=at, scope_id=UUID(words["journey_id"]), is_converted=True)


def _entered(events: Sequence[LoggedEvent], known: Known, deeds: Sequence[_Deed]) -> Iterator[_New]:
    """The rows of those who entered in this batch, the first entry of each."""
    until = {event.customer_id: (event.epoch, event.xid, event.seq) for event in events if event.customer_id}
    begun: set[tuple[UUID, UUID]] = set()
    for event in events:
        enrolment_id = UUID(event.payload["enrolment_id"]) if event.name == counting.ENTERED else None
        entry = known.origins.entries.get(enrolment_id) if enrolment_id else None
        if enrolment_id is None or entry is None or (entry.journey_id, entry.customer_id) in begun:
            continue
        begun.add((entry.journey_id, entry.customer_id))
        ripe_at = entry.entered_at + entry.window
        own = [
            deed
            for deed in deeds
            if deed.scope_id == entry.journey_id
            and deed.customer_id == entry.customer_id
            and entry.entered_at <= deed.at < ripe_at
        ]
        yield _New(
            scope_id=entry.journey_id,
            customer_id=entry.customer_id,
            arm=entry.arm,
            entered_at=entry.entered_at,
            ripe_at=ripe_at,
            redeemed_minor=sum(deed.redeemed_minor for deed in own),
            is_converted=any(deed.is_converted for deed in own),
            drawn=known.drawn.get(enrolment_id),
            until=until[entry.customer_id],
        )


def _values(new: _New) -> list[object]:
    epoch, xid, seq = new.until
    return [
        new.scope_id, new.customer_id, new.arm, new.entered_at, new.ripe_at, new.redeemed_minor, new.is_converted,
        new.drawn.variant if new.drawn else "", new.drawn.trial if new.drawn else None, epoch, str(xid), seq,
    ]  # fmt: skip


_ADD = """
    WITH deed AS (
        SELECT * FROM unnest(%s::uuid[], %s::timestamptz[], %s::uuid[], %s::int[], %s::bigint[], %s::bigint[],
                             %s::bigint[], %s::boolean[])
               AS d (customer_id, at, scope_id, orders, revenue_minor, refunded_minor, redeemed_minor, is_converted)),
    touched AS (
        SELECT o.scope, o.scope_id, o.customer_id, sum(d.orders) AS orders, sum(d.revenue_minor) AS revenue_minor,
               sum(d.refunded_minor) AS refunded_minor, sum(d.redeemed_minor) AS redeemed_minor,
               bool_or(d.is_converted) AS is_converted
          FROM deed d
          JOIN engage.outcome o
            ON o.customer_id = d.customer_id AND d.at >= o.entered_at AND d.at < o.ripe_at
           AND (d.scope_id IS NULL OR d.scope_id = o.scope_id)
         GROUP BY o.scope, o.scope_id, o.customer_id)
    UPDATE engage.outcome o
       SET orders = o.orders + t.orders, revenue_minor = o.revenue_minor + t.revenue_minor,
           refunded_minor = o.refunded_minor + t.refunded_minor, redeemed_minor = o.redeemed_minor + t.redeemed_minor,
           is_converted = o.is_converted OR t.is_converted
      FROM touched t
     WHERE (o.scope, o.scope_id, o.customer_id) = (t.scope, t.scope_id, t.customer_id)
"""

#: What a customer's events between two times amount to, up to a position of the log.
DONE = f"""
    SELECT count(*) FILTER (WHERE e.name = '{ORDER}') AS orders,
           coalesce(sum((e.payload->>'total_minor')::bigint) FILTER (WHERE e.name = '{ORDER}'), 0) AS revenue_minor,
           coalesce(sum((e.payload->>'amount_minor')::bigint) FILTER (WHERE e.name = '{REFUND}'), 0) AS refunded_minor
      FROM core.event e
     WHERE e.customer_id = n.customer_id AND e.occurred_at >= n.entered_at AND e.occurred_at < n.ripe_at
       AND e.name IN ('{ORDER}', '{REFUND}') AND (e.epoch, e.xid, e.seq) <= (n.epoch, n.xid, n.seq)
       AND e.payload->>'currency' = n.currency
"""  # noqa: S608 - constants only

_INSERT = f"""
    INSERT INTO engage.outcome
           (scope, scope_id, customer_id, arm, entered_at, ripe_at, orders, revenue_minor, refunded_minor,
            redeemed_minor, is_converted, variant, trial)
    SELECT 'journey', n.scope_id, n.customer_id, n.arm, n.entered_at, n.ripe_at, d.orders, d.revenue_minor,
           d.refunded_minor, n.redeemed_minor, n.is_converted, n.variant, n.trial
      FROM (SELECT u.*, c.currency
              FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::bigint[],
                          %s::boolean[], %s::text[], %s::uuid[], %s::int[], %s::xid8[], %s::bigint[])
                   AS u (scope_id, customer_id, arm, entered_at, ripe_at, redeemed_minor, is_converted,
                         variant, trial, epoch, xid, seq),
                   (SELECT %s::text AS currency) c) n
     CROSS JOIN LATERAL ({DONE}) d
     ORDER BY n.scope_id, n.customer_id
    ON CONFLICT DO NOTHING
"""  # noqa: S608 - constants only
