"""What changed for a customer since their app asked last, so that it fetches only that.

A token is a position in the log below which everything has been told: readers' own measure, so nothing that commits
late is passed over. Of what is in the log it tells the kind of thing and its id, never what became of it.
"""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from core import ids
from core.db import Connection
from core.events.offsets import Position
from insights.errors import ChangesTokenInvalid

#: An app that was away for longer loads everything anew.
KEPT = timedelta(days=60)

#: An event's id is made before it commits, by a clock of its own.
_SKEW = timedelta(days=1)

#: What an event's name begins with -> (the kind of thing that the app knows, where the event has its id).
KINDS: Mapping[str, tuple[str, str | None]] = {
    "voucher": ("voucher", "voucher_id"),
    "gift_card": ("voucher", "voucher_id"),
    "reservation": ("voucher", None),
    "gift": ("gift", "gift_id"),
    "order": ("order", "order_id"),
    "checkout": ("order", None),
    "payment": ("payment", "payment_id"),
    "hold": ("hold", "hold_id"),
    "topup": ("topup", "topup_id"),
    "auto_topup": ("topup", None),
    "sending": ("sending", "sending_id"),
    "money": ("sending", "sending_id"),
    "money_request": ("money_request", "money_request_id"),
    **dict.fromkeys(("wallet", "lot", "promotion", "value", "adjustment", "debt", "dispute", "tier"), ("wallet", None)),
    "inbox_item": ("inbox", "item_id"),
    "consent": ("consent", None),
    **dict.fromkeys(("customer", "email"), ("me", None)),
}


@dataclass(frozen=True, slots=True)
class Since:
    """Up to where an app has been told, and when that was."""

    position: Position
    at: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """id: of the thing, where the kind has ids; None: what there is of the kind is to be fetched anew"""

    kind: str
    id: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Told:
    """is_all: nothing is left beyond it just now."""

    items: Sequence[Change]
    next: Since
    is_all: bool


def since(connection: Connection, customer_id: UUID, begun: Since, *, limit: int, now: datetime) -> Told:
    """What changed beyond a position, each thing once, in the order in which it changed last."""
    epoch, xid, seq = begun.position
    rows = connection.execute(
        _READ,
        {
            "customer": customer_id, "epoch": epoch, "xid": str(xid), "seq": seq, "kinds": list(KINDS),
            "floor": ids.least_at(begun.at - _SKEW), "limit": limit + 1,
        },
    ).fetchall()  # fmt: skip
    events = [row[2:] for row in rows if row[2] is not None]
    is_all = len(events) <= limit
    if is_all:
        until = Since((rows[0][0], int(rows[0][1]), 0), now)
    else:
        last = events[limit - 1]
        # As old as it was: what lies beyond may have been made at any time since.
        until = Since((last[3], int(last[4]), last[5]), begun.at)
    return Told(_each_once(events[:limit]), until, is_all)


def here(connection: Connection, *, now: datetime) -> Since:
    """The position of an app that loads everything now."""
    row = connection.execute("SELECT core.current_epoch(), pg_snapshot_xmin(pg_current_snapshot())::text").fetchone()
    assert row
    return Since((row[0], int(row[1]), 0), now)


def token_of(told: Since) -> str:
    epoch, xid, seq = told.position
    text = f"{epoch}.{xid}.{seq}.{int(told.at.timestamp())}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_token(token: str, *, now: datetime) -> Since | None:
    """The position of a token; None where it is older than KEPT.

    raises  ChangesTokenInvalid for anything that we did not make
    """
    try:
        text = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True).decode("ascii")
    except ValueError as error:
        raise ChangesTokenInvalid from error
    match = _TOKEN.fullmatch(text)
    if match is None:
        raise ChangesTokenInvalid
    epoch, xid, seq, seconds = map(int, match.groups())
    if epoch >= 2**31 or xid >= 2**63 or seq >= 2**63 or seconds > now.timestamp() + _SKEW.total_seconds():
        raise ChangesTokenInvalid
    told_at = datetime.fromtimestamp(seconds, UTC)
    return Since((epoch, xid, seq), told_at) if now - told_at <= KEPT else None


_TOKEN = re.compile(r"(\d{1,10})\.(\d{1,20})\.(\d{1,20})\.(\d{1,11})")


def _each_once(events: Sequence[tuple[Any, ...]]) -> list[Change]:
    latest: dict[tuple[str, str | None], Change] = {}
    for name, payload, occurred_at, *_ in events:
        kind, field = KINDS[name.partition(".")[0]]
        thing = payload.get(field) if field else None
        latest.pop((kind, thing), None)
        latest[kind, thing] = Change(kind, thing, occurred_at)
    return list(latest.values())


# The horizon is read in the same statement as the events. That they signed in, an app knows by itself.
_READ = """
    SELECT horizon.epoch, horizon.xid::text, e.name, e.payload, e.occurred_at, e.epoch, e.xid::text, e.seq
      FROM (SELECT core.current_epoch() AS epoch, pg_snapshot_xmin(pg_current_snapshot()) AS xid) horizon
      LEFT JOIN LATERAL (
           SELECT * FROM core.event e
            WHERE e.customer_id = %(customer)s AND e.id >= %(floor)s
              AND (e.epoch, e.xid, e.seq) > (%(epoch)s, %(xid)s::xid8, %(seq)s)
              AND (e.xid < horizon.xid OR e.epoch < horizon.epoch)
              AND split_part(e.name, '.', 1) = ANY(%(kinds)s)
              AND e.name NOT IN ('customer.signed_up', 'customer.signed_in')
            ORDER BY e.epoch, e.xid, e.seq
            LIMIT %(limit)s) e ON true
     ORDER BY e.epoch, e.xid, e.seq
"""
