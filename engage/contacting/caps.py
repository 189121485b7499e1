"""Frequency caps: how many marketing messages a customer gets in a day, week or month, over all journeys together.

A message counts in the bucket of the day on which it is to leave, on the customer's own calendar: what is held until
tomorrow is one of tomorrow's. Rows are locked in one order, taken from in memory, and written guarded: the first two
messages of a customer that two workers decide at one moment do not both pass a cap of one.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import connection_of
from engage.contacting import zones
from engage.contacting.policy import Cap, Policy
from rewards.funds import Beaten

#: (customer, cap, bucket): one row.
Key = tuple[UUID, str, str]


@dataclass(slots=True)
class Caps:
    """What is left under each cap, for the customers of one batch.

    taken  what `take` gave away, to be written with the messages
    """

    policy: Policy
    now: datetime
    zones: Mapping[UUID, str | None] = field(default_factory=dict)
    used: Mapping[Key, int] = field(default_factory=dict)
    taken: Counter[Key] = field(default_factory=Counter)

    def take(self, customer_id: UUID, channel: str, at: datetime | None = None) -> bool:
        """Count one message under every cap on its channel; False, and nothing is counted, where one is reached.

        at  when it is to leave; None: now
        """
        if not self.has(customer_id, channel, at):
            return False
        self.taken.update((customer_id, *mark) for mark in self.marks(customer_id, channel, at))
        return True

    def has(self, customer_id: UUID, channel: str, at: datetime | None = None) -> bool:
        """Whether `take` would count one."""
        caps = self.policy.caps_of(channel)
        keys = [(customer_id, *mark) for mark in self.marks(customer_id, channel, at)]
        return all(self.used.get(key, 0) + self.taken[key] < cap.most for cap, key in zip(caps, keys, strict=True))

    def marks(self, customer_id: UUID, channel: str, at: datetime | None = None) -> list[tuple[str, str]]:
        """(cap, bucket) of each count that such a message takes: what the gate gives back if it does not leave."""
        caps = self.policy.caps_of(channel)
        if not caps:
            return []
        day = (at or self.now).astimezone(zones.of(self.zones.get(customer_id))).date()
        return [(cap.name, bucket_of(cap.per, day)[0]) for cap in caps]


def lock(
    session: Session,
    customer_ids: Iterable[UUID],
    policy: Policy,
    now: datetime,
    *,
    zones_at_hand: Mapping[UUID, str | None] | None = None,
) -> Caps:
    """What is left for these customers. Call it with every customer of the batch at once, before vouchers are issued.

    zones_at_hand  their time zones, where the caller has read them already
    effects        locks their rows, in one order
    """
    if not policy.caps:
        return Caps(policy, now)
    wanted = sorted(set(customer_ids))
    connection = connection_of(session)
    if zones_at_hand is None:
        zones_at_hand = dict(connection.execute(_ZONES, [wanted]).fetchall())
    # A day less than ours is still today somewhere.
    rows = connection.execute(_LOCK, [wanted, now.date() - timedelta(days=1)])
    return Caps(policy, now, zones_at_hand, {(row[0], row[1], row[2]): row[3] for row in rows})


def write(session: Session, caps: Caps) -> None:
    """Write what was taken.

    raises  Beaten when another transaction took the same meanwhile (a first row cannot be locked before it is there):
            undone and read again, the batch finds less left
    """
    keys = sorted(caps.taken)
    if not keys:
        return
    by_name = {cap.name: cap for cap in caps.policy.caps}
    ends = {(cap, bucket): _end_of(by_name[cap], bucket) for _, cap, bucket in keys}
    written = connection_of(session).execute(
        _WRITE,
        [
            [customer_id for customer_id, _, _ in keys],
            [cap for _, cap, _ in keys],
            [bucket for _, _, bucket in keys],
            [caps.taken[key] for key in keys],
            [by_name[cap].most for _, cap, _ in keys],
            [ends[cap, bucket] for _, cap, bucket in keys],
        ],
    )
    if written.rowcount < len(keys):
        raise Beaten


def noted(customer_id: UUID, gate: Mapping[str, Any]) -> list[Key]:
    """What a message took, as it was laid down for its gate."""
    return [(customer_id, cap, bucket) for cap, bucket in gate.get("caps", [])]


def give_back(session: Session, keys: Sequence[Key]) -> None:
    """Count messages that did not leave as never sent; what was swept away already is no loss."""
    if not keys:
        return
    counted = sorted(Counter(keys).items())
    columns = [[key[part] for key, _ in counted] for part in range(3)]
    connection_of(session).execute(_GIVE_BACK, [*columns, [number for _, number in counted]])


def forget(session: Session, *, before: date, most: int) -> int:
    """Drop up to `most` rows of buckets that ended before a day; returns how many."""
    return connection_of(session).execute(_FORGET, [before, most]).rowcount


def bucket_of(per: str, day: date) -> tuple[str, date]:
    """(the name of the day, week or month that a day lies in, the first day after it). Weeks are ISO 8601's."""
    if per == "day":
        return day.isoformat(), day + timedelta(days=1)
    if per == "week":
        year, week, weekday = day.isocalendar()
        return f"{year}-W{week:02}", day + timedelta(days=8 - weekday)
    following = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    return f"{day:%Y-%m}", following


def _end_of(cap: Cap, bucket: str) -> date:
    if cap.per == "day":
        return bucket_of("day", date.fromisoformat(bucket))[1]
    if cap.per == "week":
        return bucket_of("week", date.fromisocalendar(int(bucket[:4]), int(bucket[6:]), 1))[1]
    return bucket_of("month", date.fromisoformat(f"{bucket}-01"))[1]


_ZONES = "SELECT id, time_zone FROM auth.customer WHERE id = ANY(%s)"

_LOCK = """
    SELECT customer_id, cap, bucket, used FROM engage.cap_count
     WHERE customer_id = ANY(%s) AND ends_on > %s
     ORDER BY customer_id, cap, bucket
       FOR UPDATE
"""

_WRITE = """
    INSERT INTO engage.cap_count AS kept (customer_id, cap, bucket, used, most, ends_on)
    SELECT * FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::int[], %s::int[], %s::date[])
               AS taken (customer_id, cap, bucket, used, most, ends_on)
     WHERE used <= most
     ORDER BY customer_id, cap, bucket
        ON CONFLICT (customer_id, cap, bucket) DO UPDATE
       SET used = kept.used + excluded.used, most = excluded.most
     WHERE kept.used + excluded.used <= excluded.most
"""

_GIVE_BACK = """
    WITH held AS (
        SELECT customer_id, cap, bucket, number
          FROM engage.cap_count
          JOIN unnest(%s::uuid[], %s::text[], %s::text[], %s::int[]) AS back (customer_id, cap, bucket, number)
         USING (customer_id, cap, bucket)
         ORDER BY customer_id, cap, bucket
           FOR UPDATE OF cap_count
    )
    UPDATE engage.cap_count c SET used = greatest(c.used - held.number, 0)
      FROM held
     WHERE (c.customer_id, c.cap, c.bucket) = (held.customer_id, held.cap, held.bucket)
"""

_FORGET = """
    DELETE FROM engage.cap_count WHERE (customer_id, cap, bucket) IN (
        SELECT customer_id, cap, bucket FROM engage.cap_count WHERE ends_on < %s LIMIT %s FOR UPDATE SKIP LOCKED)
"""
