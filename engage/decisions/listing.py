"""The list: for one customer what each step, entry, broadcast and till decided, in the order in which they did."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import Connection, connection_of

#: No journey: what sorts before all of them.
_NONE = UUID(int=0)


class Place(NamedTuple):
    """Where a decision stands in the list. One event may keep a customer out of several journeys."""

    id: UUID
    journey_id: UUID

    def __str__(self) -> str:
        return f"{self.id}/{self.journey_id}"

    @classmethod
    def parse(cls, text: str) -> "Place":
        """raises  ValueError for anything that we did not write"""
        first, second = text.split("/")
        return cls(UUID(first), UUID(second))


@dataclass(frozen=True, slots=True)
class Letter:
    """What became of one message of a decision. because: why it was held back or failed."""

    id: UUID
    channel: str
    status: str
    because: str | None


@dataclass(slots=True)
class Decision:
    """One decision about one customer.

    what     "step" of a journey; "entry" into one that was refused; "broadcast"; "voucher" that a till did not take
    kind     of the step; outcome: of a step issued, refused, sent, skipped, held_out, waiting, event, timeout, done …,
             of an entry refused, of a broadcast sent, skipped, refused or held_out, of a voucher refused
    """

    what: str
    id: UUID
    journey_id: UUID | None
    journey_name: str | None
    enrolment_id: UUID | None
    broadcast_id: UUID | None
    broadcast_name: str | None
    arm: str | None
    step: str | None
    kind: str | None
    outcome: str
    reasons: list[dict[str, Any]]
    voucher_id: UUID | None
    message_ids: list[UUID]
    at: datetime
    messages: list[Letter] = field(default_factory=list)

    @property
    def is_held_out(self) -> bool:
        return self.arm in ("holdout", "control")

    @property
    def place(self) -> Place:
        return Place(self.id, self.journey_id or _NONE)


def of(
    session: Session, customer_id: UUID, *, before: Place | None, limit: int, journey_id: UUID | None = None
) -> list[Decision]:
    """The latest first, from the one before `before` on; those about one journey alone where it is named."""
    connection = connection_of(session)
    values = {
        "customer": customer_id,
        "journey": journey_id,
        "before_id": before.id if before else None,
        "before_journey": before.journey_id if before else None,
        "limit": limit,
    }
    found = [Decision(*row) for row in connection.execute(_LIST, values)]
    _add_messages(connection, found)
    return found


def _add_messages(connection: Connection, found: Sequence[Decision]) -> None:
    wanted = [message_id for one in found for message_id in one.message_ids]
    if wanted:
        letters = {row[0]: Letter(*row) for row in connection.execute(_LETTERS, [wanted])}
        for one in found:
            one.messages = [letters[message_id] for message_id in one.message_ids if message_id in letters]


def _branch(columns: str, source: str, id_: str, journey: str) -> str:
    """One kind of decision: no more of it is read than the page may need."""
    return f"""
        (SELECT {columns} FROM {source}
            AND (%(before_id)s::uuid IS NULL OR ({id_}, {journey}) < (%(before_id)s::uuid, %(before_journey)s::uuid))
          ORDER BY {id_} DESC, {journey} DESC LIMIT %(limit)s)
    """  # noqa: S608 - constants only


_STEPS = _branch(
    """'step' AS what, r.id AS id, e.journey_id AS journey_id, j.name AS journey_name, e.id AS enrolment_id,
       NULL::uuid AS broadcast_id, NULL::text AS broadcast_name, e.arm AS arm, r.step AS step, r.kind AS kind,
       r.outcome AS outcome, r.reasons AS reasons, r.voucher_id AS voucher_id, r.message_ids AS message_ids,
       r.at AS at""",
    """engage.step_run r JOIN engage.enrolment e ON e.id = r.enrolment_id JOIN engage.journey j ON j.id = e.journey_id
       WHERE r.customer_id = %(customer)s AND (%(journey)s::uuid IS NULL OR e.journey_id = %(journey)s)""",
    "r.id",
    "e.journey_id",
)

_ENTRIES = _branch(
    """'entry', x.event_id, x.journey_id, j.name, NULL, NULL, NULL, NULL, NULL, NULL, 'refused', x.reasons, NULL,
       '{}'::uuid[], x.at""",
    """engage.refused_entry x JOIN engage.journey j ON j.id = x.journey_id
       WHERE x.customer_id = %(customer)s AND (%(journey)s::uuid IS NULL OR x.journey_id = %(journey)s)""",
    "x.event_id",
    "x.journey_id",
)

_BROADCASTS = _branch(
    """'broadcast', s.id, NULL, NULL, NULL, b.id, b.name, s.arm, NULL, NULL, s.outcome, s.reasons, s.voucher_id,
       s.message_ids, s.at""",
    """engage.broadcast_send s JOIN engage.broadcast b ON b.id = s.broadcast_id
       WHERE s.customer_id = %(customer)s AND %(journey)s::uuid IS NULL""",
    "s.id",
    f"'{_NONE}'::uuid",
)

_VOUCHERS = _branch(
    """'voucher', f.id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'refused',
       jsonb_build_array(jsonb_build_object('code', f.code, 'detail', 'A till did not take the voucher.',
                                            'store_id', f.store_id)),
       f.voucher_id, '{}'::uuid[], f.refused_at""",
    """rewards.voucher v JOIN rewards.refusal f ON f.voucher_id = v.id AND f.customer_id = v.customer_id
       WHERE v.customer_id = %(customer)s AND %(journey)s::uuid IS NULL""",
    "f.id",
    f"'{_NONE}'::uuid",
)

_LIST = f"""
    SELECT * FROM ({_STEPS} UNION ALL {_ENTRIES} UNION ALL {_BROADCASTS} UNION ALL {_VOUCHERS}) d
     ORDER BY d.id DESC, d.journey_id DESC NULLS LAST LIMIT %(limit)s
"""  # noqa: S608 - constants only

_LETTERS = "SELECT id, channel, state, last_error FROM core.message WHERE id = ANY(%s)"
