"""Preparing: for each member of the segment the decision, the voucher, its posting and the message, a chunk a
transaction.

A chunk moves its part's cursor in the same transaction, so a worker that dies leaves whole chunks only, and each
customer is dealt with once. The ledger is posted last: the budget that all workers share is locked for a moment.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core import ids
from core.db import Connection, connection_of
from core.errors import Refusal
from core.notes import Notes
from core.population_shares import is_in_share
from engage import outgoing
from engage.broadcasts.models import DONE, PARTS, Broadcast, BroadcastPart
from engage.contacting import control
from engage.outgoing import Letter, Reason, Sent, World
from engage.steps.clock import clock
from engage.steps.wait_until import WaitUntil
from engage.templates import embeds, saved, variables, wording
from engage.templates.wording import Wording
from insights.segments import membership
from rewards.campaigns.errors import HeldOut
from rewards.errors import CampaignNotRunning
from rewards.funds import Funds, post_with
from rewards.vouchers import Issue, Voucher, issuing
from wallet import ledger
from wallet.ledger import Transfer


@dataclass(slots=True)
class _Send:
    """What becomes of the broadcast for one customer."""

    customer_id: UUID
    arm: str
    id: UUID = field(default_factory=ids.new)
    outcome: str = "held_out"
    reasons: list[Reason] = field(default_factory=list)
    channel: str | None = None
    voucher_id: UUID | None = None
    message_ids: Sequence[UUID] = ()


def prepare_some(session: Session, broadcast: Broadcast, part: BroadcastPart, *, limit: int, now: datetime) -> int:
    """Deal with a part's next members; says how many there were.

    effects  issues vouchers, enqueues messages and inbox items, moves the part's cursor; posts to the ledger
    raises   Busy when others keep taking what is left of a budget or cap; CampaignNotRunning, and nothing is done
    """
    connection = connection_of(session)
    turn = membership.page(connection, broadcast.segment_id, part.slot, part.cursor, limit)
    if turn:
        done = part.done

        def deal(connection: Connection, funds: Funds) -> None:
            part.done = done
            _deal(session, connection, funds, broadcast, part, turn, now=now)

        part.cursor = turn[-1]
        post_with(session, deal)
    if len(turn) < limit:
        part.state, part.due_at = DONE, None
    else:
        part.due_at = now
    return len(turn)


def said_by(session: Session, broadcast: Broadcast) -> Wording:
    """What a started broadcast says: as its template was then, whatever it says by now."""
    if broadcast.template_version_id is not None:
        return saved.of_versions(session, [broadcast.template_version_id])[broadcast.template_version_id]
    return _inline(broadcast)


#: Compiled once a process; a broadcast that was started never changes.
_compiled: dict[UUID, Wording] = {}


def _inline(broadcast: Broadcast) -> Wording:
    if broadcast.id not in _compiled:
        if len(_compiled) >= 100:
            _compiled.clear()
        said = wording.either(broadcast.wording, Notes(), variables.NO_EVENT, channels=broadcast.channels)
        _compiled[broadcast.id] = said
    return _compiled[broadcast.id]


def _deal(
    session: Session,
    connection: Connection,
    funds: Funds,
    broadcast: Broadcast,
    part: BroadcastPart,
    turn: Sequence[UUID],
    *,
    now: datetime,
) -> None:
    says = said_by(session, broadcast)
    world = outgoing.prepare(session, turn, now=now, wordings=[says])
    sends = [_Send(customer_id, _arm(broadcast, world, customer_id)) for customer_id in turn]
    given, transfers = _give(session, connection, funds, broadcast, world, sends, now=now)
    letters = dict(_letters(session, broadcast, part, world, says, sends, given))

    decided = [outgoing.decide(world, letter) for letter in letters.values()]
    message_ids = outgoing.write(session, decided, world=world, now=now)
    of_send = {send.id: send for send in sends}
    for one, ids_ in zip(decided, message_ids, strict=True):
        send = of_send[one.letter.reference]
        send.outcome, send.message_ids = one.outcome, ids_
        send.reasons.extend(one.reasons)
        send.channel = one.channel if isinstance(one, Sent) else None
    part.done += len(turn)
    session.flush()
    _keep(connection, broadcast, sends, now=now)
    if transfers:
        ledger.post_all(connection, transfers)


def _arm(broadcast: Broadcast, world: World, customer_id: UUID) -> str:
    if broadcast.purpose == "marketing" and control.is_in(world.policy, customer_id):
        return "control"
    return "holdout" if is_in_share(broadcast.id, customer_id, bps=broadcast.holdout_bps) else "treated"


def _give(
    session: Session,
    connection: Connection,
    funds: Funds,
    broadcast: Broadcast,
    world: World,
    sends: Sequence[_Send],
    *,
    now: datetime,
) -> tuple[dict[UUID, Voucher], list[Transfer]]:
    """By customer, the voucher that goes with the message; those who may not have one get no message either.

    Nobody is given one whom nothing is known of: their vouchers could not be sealed.

    raises  CampaignNotRunning: that is no fault of any member's
    """
    if broadcast.campaign_id is None:
        return {}, []
    able = [
        send
        for send in sends
        if send.arm == "treated" and (contact := world.contacts.get(send.customer_id)) and contact.status == "active"
    ]
    issues = [
        Issue(
            campaign_id=broadcast.campaign_id,
            customer_id=send.customer_id,
            source=f"broadcast:{broadcast.id}:{send.customer_id}",
        )
        for send in able
    ]
    outcomes, transfers = issuing.issue_later(session, connection, funds, issues, now=now) if issues else ([], [])
    given: dict[UUID, Voucher] = {}
    for send, outcome in zip(able, outcomes, strict=True):
        if isinstance(outcome, CampaignNotRunning):
            raise outcome
        if isinstance(outcome, Refusal):
            # Held out is nobody's fault: it is how the campaign's effect is told.
            send.outcome = "held_out" if isinstance(outcome, HeldOut) else "refused"
            send.reasons.append({"code": outcome.code, "detail": outcome.detail, **outcome.facts})
        else:
            given[send.customer_id], send.voucher_id = outcome, outcome.id
    return given, list(transfers)


def _letters(
    session: Session,
    broadcast: Broadcast,
    part: BroadcastPart,
    world: World,
    says: Wording,
    sends: Sequence[_Send],
    given: Mapping[UUID, Voucher],
) -> Iterator[tuple[UUID, Letter]]:
    """What is meant to be said to whom; nothing to those whom their voucher was refused."""
    at_hand = {voucher.id: voucher for voucher in given.values()}
    named = embeds.load(session, at_hand, at_hand) if at_hand else {}
    for number, send in enumerate(sends, start=part.done):
        if any(send.reasons):
            continue
        contact = world.contacts.get(send.customer_id)
        due_at = due_at_of(broadcast, part, number, contact.time_zone if contact else None, now=world.now)
        yield (
            send.id,
            Letter(
                customer_id=send.customer_id,
                arm=send.arm,
                purpose=broadcast.purpose,
                channels=broadcast.channels,
                wording=says,
                reference=send.id,
                voucher=named.get(send.voucher_id) if send.voucher_id else None,
                quiet=broadcast.quiet,
                due_at=due_at,
            ),
        )


def due_at_of(
    broadcast: Broadcast, part: BroadcastPart, number: int, zone: str | None, *, now: datetime
) -> datetime | None:
    """When the message to a part's member of that number (from 0) is to leave; None: at once.

    units  per_minute over all parts: each member has a place in one queue, and those who get nothing leave theirs empty
    """
    begins = max(broadcast.starts_at or now, broadcast.started_at or now)
    if broadcast.local_time is not None:
        return WaitUntil(at=clock(broadcast.local_time, Notes()), next=None).until(zone, now=max(begins, now))
    if broadcast.per_minute is None:
        return None
    return begins + timedelta(minutes=place_of(broadcast, part, number) / broadcast.per_minute)


def place_of(broadcast: Broadcast, part: BroadcastPart, number: int) -> int:
    """Members that the segment got since it was started come last, so that no two ever share a place."""
    if number < part.places:
        return part.first_place + number
    return (broadcast.expected or 0) + (number - part.places) * PARTS + part.slot


def _keep(connection: Connection, broadcast: Broadcast, sends: Sequence[_Send], *, now: datetime) -> None:
    columns: list[list[Any]] = [
        [send.id for send in sends],
        [send.customer_id for send in sends],
        [send.arm for send in sends],
        [send.outcome for send in sends],
        [json.dumps(send.reasons) for send in sends],
        [send.channel for send in sends],
        [send.voucher_id for send in sends],
        ["{" + ",".join(map(str, send.message_ids)) + "}" for send in sends],
    ]
    connection.execute(_KEEP, [broadcast.id, now, *columns])


def counts_of(connection: Connection, broadcast_id: UUID) -> dict[str, int]:
    """How many customers were dealt with, by what became of them, and of those who got nothing by why: "sent",
    "held_out:holdout", "skipped:no_consent". The last reason is the one that ended it."""
    return dict(connection.execute(_COUNTS, [broadcast_id]).fetchall())


# Lists of lists of different lengths are no array of PostgreSQL's, so the ids of messages come as its own text.
_KEEP = """
    INSERT INTO engage.broadcast_send (broadcast_id, at, id, customer_id, arm, outcome, reasons, channel, voucher_id,
                                       message_ids)
    SELECT %s, %s, id, customer_id, arm, outcome, reasons::jsonb, channel, voucher_id, message_ids::uuid[]
      FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::text[], %b::text[], %s::text[], %s::uuid[], %s::text[])
           AS s (id, customer_id, arm, outcome, reasons, channel, voucher_id, message_ids)
"""

_COUNTS = """
    SELECT CASE WHEN outcome = 'sent' THEN 'sent'
                WHEN outcome = 'held_out' AND arm <> 'treated' THEN 'held_out:' || arm
                ELSE concat_ws(':', outcome, reasons->-1->>'code') END AS became, count(*)
      FROM engage.broadcast_send WHERE broadcast_id = %s GROUP BY became ORDER BY became
"""
