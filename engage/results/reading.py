"""Reading: a batch of the log becomes tallies and outcomes, in the transaction that moves the reader on."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from core.db import Connection, connection_of, transaction
from core.events import LoggedEvent
from engage.journeys import versions
from engage.journeys.errors import JourneyInvalid
from engage.results import broadcasts, campaigns, counting, origins, outcomes, tallies, trials
from engage.results.counting import Basket, Known, Letter
from engage.results.trials import Drawn
from wallet.assets import brand_currency, brand_time_zone

READER = "engage.results"

#: What is counted.
NAMES = frozenset(
    {
        *(counting.ENTERED, counting.STEP_DONE, counting.ENDED, counting.CONVERTED),
        *(counting.ISSUED, counting.REDEEMED, counting.ROLLED_BACK, counting.CHECKOUT_BACK, counting.CONSENT),
        counting.GRANTED,
        *counting.OF_MESSAGES,
        *counting.OF_RESPONSES,
        *broadcasts.OVER,
        campaigns.PUBLISHED,
        *(outcomes.ORDER, outcomes.REFUND),
    }
)

_ABOUT_MESSAGES = {*counting.OF_MESSAGES, *counting.OF_RESPONSES, counting.CONVERTED}

#: How long it is known who has opened or followed what already.
_RESPONSES_KEPT = timedelta(days=180)
_FORGOTTEN_AT_ONCE = 5_000


def read(session: Session, events: Sequence[LoggedEvent], now: datetime) -> None:
    """Count a batch of the log."""
    connection = connection_of(session)
    known = _known(session, events)
    outcomes.keep(connection, events, known, currency=brand_currency())
    broadcasts.note(session, events, now)
    campaigns.note(session, events, now)
    # Last, since others who count the same journey wait for these rows.
    tallies.keep(connection, counting.count(events, known).counts)


def forget_responses(now: datetime) -> None:
    """Drop who opened or followed what long ago, a few at a time. An entry point."""
    while True:
        with transaction() as session:
            gone = connection_of(session).execute(_FORGET, [now - _RESPONSES_KEPT, _FORGOTTEN_AT_ONCE]).rowcount
        if gone < _FORGOTTEN_AT_ONCE:
            return


def _known(session: Session, events: Sequence[LoggedEvent]) -> Known:
    """Everything that the batch must be told of, each kind with one statement."""
    connection = connection_of(session)
    unsubscribed = _unsubscribed(connection, [event for event in events if event.name == counting.CONSENT])
    baskets = _baskets(connection, _ids(events, "checkout_id", {counting.REDEEMED, counting.CHECKOUT_BACK}))
    vouchers = _ids(events, "voucher_id", {counting.ISSUED, counting.REDEEMED, counting.ROLLED_BACK})
    vouchers |= {voucher_id for basket in baskets.values() for _, voucher_id in basket.redemptions}
    letters = _letters(connection, _ids(events, "message_id", _ABOUT_MESSAGES))
    references = _ids(events, "reference", _ABOUT_MESSAGES) | set(unsubscribed.values())
    references |= {letter.reference for letter in letters.values() if letter.reference}
    references |= _ids(events, "step_run_id", {counting.STEP_DONE})
    found = origins.load(
        connection,
        references=references,
        enrolment_ids=_ids(events, "enrolment_id", {counting.ENTERED, counting.ENDED, counting.CONVERTED}),
        voucher_ids=vouchers,
    )
    return Known(
        origins=found,
        letters=letters,
        baskets=baskets,
        unsubscribed=unsubscribed,
        first=_first(connection, events),
        drawn=_drawn(session, events),
        zone=ZoneInfo(brand_time_zone()),
    )


def _ids(events: Sequence[LoggedEvent], field: str, names: Collection[str]) -> set[UUID]:
    return {UUID(event.payload[field]) for event in events if event.name in names and event.payload.get(field)}


def _drawn(session: Session, events: Sequence[LoggedEvent]) -> dict[UUID, Drawn]:
    """By enrolment, the variant of each who entered; none where this release understands their version no more."""
    found: dict[UUID, Drawn] = {}
    for event in events:
        if event.name != counting.ENTERED or event.customer_id is None:
            continue
        with suppress(JourneyInvalid):
            graph = versions.graph_of(session, UUID(event.payload["version_id"]))
            drawn = trials.of_customer(graph, event.customer_id, journey_id=UUID(event.payload["journey_id"]))
            if drawn is not None:
                found[UUID(event.payload["enrolment_id"])] = drawn
    return found


def _unsubscribed(connection: Connection, said: Sequence[LoggedEvent]) -> dict[UUID, UUID]:
    """For each no to marketing, the last message before it over that channel, if it was sent within a week."""
    noes = [
        event
        for event in said
        if event.customer_id and not event.payload["is_granted"] and event.payload["purpose"] == "marketing"
    ]
    if not noes:
        return {}
    values = [
        [event.id for event in noes],
        [event.customer_id for event in noes],
        [event.payload["channel"] for event in noes],
        [event.occurred_at for event in noes],
        counting.UNSUBSCRIBED_WITHIN,
    ]
    return dict(connection.execute(_BEFORE_THE_NO, values).fetchall())


def _baskets(connection: Connection, checkout_ids: Collection[UUID]) -> dict[UUID, Basket]:
    found: dict[UUID, Basket] = {}
    if checkout_ids:
        rows = connection.execute(_BASKETS, [list(checkout_ids)])
        for checkout_id, total_minor, redemption_id, voucher_id in rows:
            basket = found.setdefault(checkout_id, Basket(total_minor))
            basket.redemptions.append((redemption_id, voucher_id))
    return found


def _letters(connection: Connection, message_ids: Collection[UUID]) -> dict[UUID, Letter]:
    if not message_ids:
        return {}
    return {row[0]: Letter(*row[1:]) for row in connection.execute(_LETTERS, [list(message_ids)])}


def _first(connection: Connection, events: Sequence[LoggedEvent]) -> frozenset[tuple[UUID, str]]:
    """Of what was opened or followed in this batch, what never was before. effects: notes it"""
    seen = {said: event.occurred_at for event in reversed(events) if (said := counting.response_of(event)) is not None}
    if not seen:
        return frozenset()
    keys = sorted(seen)
    columns = [[key[0] for key in keys], [key[1] for key in keys], [seen[key] for key in keys]]
    return frozenset(connection.execute(_NOTE, columns).fetchall())


_BEFORE_THE_NO = """
    SELECT n.event_id, m.reference
      FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::timestamptz[]) AS n (event_id, customer_id, channel, at)
     CROSS JOIN LATERAL (
           SELECT reference FROM core.message
            WHERE customer_id = n.customer_id AND channel = n.channel AND reference IS NOT NULL
              AND sent_at <= n.at AND sent_at > n.at - %s::interval
            ORDER BY sent_at DESC, id DESC LIMIT 1) m
"""

_BASKETS = """
    SELECT c.id, c.total_minor, r.id, r.voucher_id
      FROM rewards.checkout c JOIN rewards.redemption r ON r.checkout_id = c.id
     WHERE c.id = ANY(%s)
     ORDER BY r.id
"""

_LETTERS = "SELECT id, channel, coalesce(country, ''), reference FROM core.message WHERE id = ANY(%s)"

_NOTE = """
    INSERT INTO engage.response (reference, what, at)
    SELECT * FROM unnest(%s::uuid[], %s::text[], %s::timestamptz[])
    ON CONFLICT DO NOTHING RETURNING reference, what
"""

_FORGET = """
    DELETE FROM engage.response WHERE (reference, what) IN (
           SELECT reference, what FROM engage.response WHERE at < %s LIMIT %s)
"""
