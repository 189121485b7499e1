"""Origins: which step of which walk, or which broadcast, a message, a voucher or a click goes back to."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from core.db import Connection


@dataclass(frozen=True, slots=True)
class Origin:
    """campaign_id: of the voucher that it gave, where it gave one"""

    scope: str
    scope_id: UUID
    step: str
    variant: str
    arm: str
    customer_id: UUID
    campaign_id: UUID | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One walk's beginning."""

    journey_id: UUID
    customer_id: UUID
    arm: str
    entered_at: datetime
    window: timedelta


@dataclass(frozen=True, slots=True)
class Given:
    """One voucher: its campaign, and who gave it where a walk or broadcast did."""

    campaign_id: UUID
    origin: Origin | None


@dataclass(slots=True)
class Origins:
    """What a batch goes back to. references: a step's run, or a broadcast's letter to one customer"""

    references: dict[UUID, Origin] = field(default_factory=dict)
    entries: dict[UUID, Entry] = field(default_factory=dict)
    vouchers: dict[UUID, Given] = field(default_factory=dict)


def load(
    connection: Connection,
    *,
    references: Collection[UUID],
    enrolment_ids: Collection[UUID],
    voucher_ids: Collection[UUID],
) -> Origins:
    """Look all of them up; what is not there any more is left out."""
    found = Origins()
    given: dict[UUID, tuple[UUID, str]] = {}
    if voucher_ids:
        given = {row[0]: (row[1], row[2] or "") for row in connection.execute(_SOURCES, [list(voucher_ids)])}
    runs = {source: named[0] for _, source in given.values() if (named := _ids(source, _RUN, 1))}
    _add_runs(connection, found, {*references, *runs.values()})
    letters = _letters(connection, found, references, [source for _, source in given.values()])
    if enrolment_ids:
        for row in connection.execute(_ENTRIES, [list(enrolment_ids)]):
            found.entries[row[0]] = Entry(row[1], row[2], row[3], row[4], timedelta(days=row[5]))
    for voucher_id, (campaign_id, source) in given.items():
        origin = found.references.get(runs[source]) if source in runs else letters.get(source)
        found.vouchers[voucher_id] = Given(campaign_id, origin)
    return found


#: What a voucher's source says of who gave it: "step_run:<run>", or "broadcast:<broadcast>:<customer>".
_RUN, _LETTER = "step_run:", "broadcast:"


def _ids(source: str, prefix: str, number: int) -> list[UUID]:
    """The ids that a source names; none where it is another's, who may call theirs what they like."""
    words = source.removeprefix(prefix).split(":") if source.startswith(prefix) else []
    try:
        return [UUID(word) for word in words] if len(words) == number else []
    except ValueError:
        return []


def _add_runs(connection: Connection, found: Origins, wanted: set[UUID]) -> None:
    if wanted:
        for row in connection.execute(_OF_RUNS, [list(wanted)]):
            found.references[row[0]] = Origin("journey", *row[1:])


def _letters(
    connection: Connection, found: Origins, references: Collection[UUID], sources: Collection[str]
) -> dict[str, Origin]:
    """Add the letters among the references; returns those that vouchers name as their source, by that name."""
    named = [ids for source in sources if (ids := _ids(source, _LETTER, 2))]
    missing = [reference for reference in references if reference not in found.references]
    if not named and not missing:
        return {}
    letters = {}
    for row in connection.execute(_OF_LETTERS, [missing, [ids[0] for ids in named], [ids[1] for ids in named]]):
        origin = Origin("broadcast", row[1], "", "", *row[2:])
        found.references[row[0]] = letters[f"{_LETTER}{origin.scope_id}:{origin.customer_id}"] = origin
    return letters


# The voucher is what the walk held when the step was run: what it was given since came with no message of before.
_OF_RUNS = """
    SELECT r.id, e.journey_id, r.step, coalesce(r.variant, ''), e.arm, e.customer_id, v.campaign_id
      FROM engage.step_run r JOIN engage.enrolment e ON e.id = r.enrolment_id
      LEFT JOIN LATERAL (
           SELECT voucher_id FROM engage.step_run
            WHERE enrolment_id = r.enrolment_id AND voucher_id IS NOT NULL AND id <= r.id
            ORDER BY id DESC LIMIT 1) held ON true
      LEFT JOIN rewards.voucher v ON v.id = held.voucher_id
     WHERE r.id = ANY(%s)
"""

_OF_LETTERS = """
    WITH wanted AS (
        SELECT id FROM engage.broadcast_send WHERE id = ANY(%s)
         UNION
        SELECT s.id FROM unnest(%s::uuid[], %s::uuid[]) AS n (broadcast_id, customer_id)
          JOIN engage.broadcast_send s USING (broadcast_id, customer_id))
    SELECT s.id, s.broadcast_id, s.arm, s.customer_id, v.campaign_id
      FROM wanted JOIN engage.broadcast_send s USING (id) LEFT JOIN rewards.voucher v ON v.id = s.voucher_id
"""

_ENTRIES = """
    SELECT e.id, e.journey_id, e.customer_id, e.arm, e.entered_at, j.outcome_days
      FROM engage.enrolment e JOIN engage.journey j ON j.id = e.journey_id
     WHERE e.id = ANY(%s)
"""

_SOURCES = "SELECT id, campaign_id, source FROM rewards.voucher WHERE id = ANY(%s)"
