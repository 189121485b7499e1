"""Trying a broadcast out: its message, to a few customers by name, before it goes to everybody."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core import audit, ids
from core.errors import NotFound
from engage import outgoing
from engage.broadcasts import drafting
from engage.outgoing import Letter, Reason, Sent
from engage.templates.embeds import Embed
from rewards import terms
from rewards.vouchers import codes

MOST = 5


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of it for one customer."""

    customer_id: UUID
    outcome: str
    channel: str | None = None
    reasons: Sequence[Reason] = ()
    message_ids: Sequence[UUID] = field(default_factory=list)


def send(
    session: Session, broadcast_id: UUID, customer_ids: Sequence[UUID], *, actor: str, now: datetime
) -> list[Tried]:
    """Send what a broadcast says at once to these customers, who must allow it as anybody must.

    Where it names a voucher it shows a code that opens nothing: none is issued. Quiet hours pass.

    raises   NotFound for an unknown broadcast or customer; BroadcastInvalid
    effects  audited; counts under the customers' frequency caps
    """
    broadcast = drafting.find(session, broadcast_id)
    says = drafting.check(session, broadcast)
    world = outgoing.prepare(session, customer_ids, now=now, wordings=[says])
    if world.contacts.keys() != set(customer_ids):
        raise NotFound("There is no such customer")
    example = None
    if broadcast.campaign_id is not None:
        of = terms.load_one(session, broadcast.campaign_id)
        example = Embed(ids.new(), codes.draw(), of.expiry(now), of.currency, of.discount)

    letters = [
        Letter(
            customer_id=customer_id,
            purpose=broadcast.purpose,
            channels=broadcast.channels,
            wording=says,
            reference=ids.new(),
            voucher=example,
            quiet="pass",
        )
        for customer_id in customer_ids
    ]
    decided = [outgoing.decide(world, letter) for letter in letters]
    message_ids = outgoing.write(session, decided, world=world, now=now)
    audit.record(
        session,
        actor=actor,
        action="broadcast.try",
        target=f"broadcast:{broadcast_id}",
        change={"customer_ids": [str(each) for each in customer_ids]},
        now=now,
    )
    return [
        Tried(one.letter.customer_id, one.outcome, one.channel if isinstance(one, Sent) else None, one.reasons, made)
        for one, made in zip(decided, message_ids, strict=True)
    ]
