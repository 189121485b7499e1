"""The gate: what was allowed when a message was decided is asked again right before it leaves.

Marketing leaves only to an active customer who still says yes, whose number has not said STOP, outside the control
group, and in quiet hours as its author chose. What a customer's own deed brings about leaves unless they said no.
Sign-in codes, invitations and staff's own messages pass: they go to people who asked for them, or to nobody's number.

A message's `gate` is {"quiet": "hold" or "skip", "caps": [[cap, bucket], ...]}, as `engage.outgoing` notes it: how it
takes quiet hours (left out: it passes them) and what it took of caps. A letter that goes to several devices notes its
caps on its first message alone, since they count the letter once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import connection_of
from core.delivery.gates import AtGate, Drop, Pass, PutOff, Verdict
from engage.contacting import caps, control, policy, quiet
from engage.contacting.policy import Policy

MARKETING = "marketing"
_ASKED = frozenset((MARKETING, "transactional"))


@dataclass(frozen=True, slots=True)
class _Now:
    """What holds of a message's customer just now. says: what they said of its channel and purpose, if anything."""

    status: str | None
    time_zone: str | None
    says: bool | None
    has_opted_out: bool


def verdicts(session: Session, messages: Sequence[AtGate], now: datetime) -> Mapping[UUID, Verdict]:
    """Whether each of a claim's messages may leave now, with the same two statements for any number.

    effects  those that may not leave give their counts under the caps back
    """
    wanted = [message for message in messages if message.purpose in _ASKED]
    said: dict[UUID, Verdict] = {message.id: Pass() for message in messages}
    if not wanted:
        return said
    holds = policy.current(session)
    found = _look_up(session, wanted)
    for message in wanted:
        said[message.id] = _judge(message, found[message.id], holds, now=now)

    dropped = [message for message in wanted if isinstance(said[message.id], Drop)]
    caps.give_back(session, [key for message in dropped for key in caps.noted(message.customer_id, message.gate)])
    return said


def _judge(message: AtGate, found: _Now, holds: Policy, *, now: datetime) -> Verdict:
    is_marketing = message.purpose == MARKETING
    if found.has_opted_out or not (found.says if found.says is not None else not is_marketing):
        return Drop("opted_out")
    if not is_marketing:
        return Pass()
    if found.status != "active":
        return Drop("suspended")
    if control.is_in(holds, message.customer_id):
        return Drop("control")
    mode = message.gate.get("quiet", "pass")
    match quiet.decide(holds, found.time_zone, now, mode, channel=message.channel):
        case quiet.Hold(until):
            if message.expires_at and message.expires_at <= until:
                return Drop("expired")
            own = quiet.spread(holds, until, message.customer_id)
            return PutOff(until if message.expires_at and message.expires_at <= own else own)
        case quiet.Skip():
            return Drop("quiet")
    return Pass()


def _look_up(session: Session, messages: Sequence[AtGate]) -> dict[UUID, _Now]:
    rows = connection_of(session).execute(
        _LOOK_UP,
        [
            [message.id for message in messages],
            [message.customer_id for message in messages],
            [message.channel for message in messages],
            [message.purpose for message in messages],
        ],
    )
    return {row[0]: _Now(*row[1:]) for row in rows}


# A number's STOP counts for whoever has the number, so it is found by its index and not by the customer.
_LOOK_UP = """
    SELECT m.id, c.status, c.time_zone, s.is_granted, o.channel IS NOT NULL
      FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::text[]) AS m (id, customer_id, channel, purpose)
      LEFT JOIN auth.customer c ON c.id = m.customer_id
      LEFT JOIN engage.consent s ON (s.customer_id, s.channel, s.purpose) = (m.customer_id, m.channel, m.purpose)
      LEFT JOIN engage.opt_out o ON o.channel = m.channel AND o.address_index = c.phone_index
"""
