"""Preparing: for each member of the segment the decision, the voucher, its posting and the message, a chunk a
transaction.

A chunk moves its part's cursor in the same transaction, so a worker that dies leaves whole chunks only, and each
customer is dealt with once. Whether they would be told is asked before a voucher is issued. The ledger is posted last:
the budget that all workers share is locked for a moment.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core import ids
from core.db import Connection, connection_of
from core.errors import Refusal
from core.notes import Notes
from core.population_shares import is_in_share
from engage import outgoing
from engage.broadcasts import counting, pacing
from engage.broadcasts.models import DONE, Broadcast, BroadcastPart
from engage.contacting import control
from engage.outgoing import Decided, Letter, Reason, Sent, Skipped, World
from engage.templates import embeds, saved, variables, wording
from engage.templates.wording import Wording
from insights.segments import membership
from rewards import terms
from rewards.campaigns.errors import HeldOut
from rewards.errors import BudgetExhausted, CampaignNotRunning
from rewards.funds import Beaten, Funds, post_with
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
    raises   Busy when others keep taking what is left of a budget or cap; CampaignNotRunning and BudgetExhausted, and
             nothing is done
    """
    connection = connection_of(session)
    turn = membership.page(connection, broadcast.segment_id, part.slot, part.cursor, limit)
    if turn:
        done, counts = part.done, part.counts
        in_vain: dict[UUID, Sequence[Reason]] = {}

        def deal(connection: Connection, funds: Funds) -> None:
            part.done, part.counts = done, counts
            _deal(session, connection, funds, broadcast, part, turn, in_vain, now=now)

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
    in_vain: dict[UUID, Sequence[Reason]],
    *,
    now: datetime,
) -> None:
    """in_vain: by customer, why the letter that names their voucher cannot be written, known once it was tried"""
    says = said_by(session, broadcast)
    world = outgoing.prepare(session, turn, now=now, wordings=[says])
    sends = {send.id: send for send in (_Send(each, _arm(broadcast, world, each)) for each in turn)}
    letters = _letters(broadcast, part, world, says, list(sends.values()))
    decided: list[Decided] = []
    transfers: list[Transfer] = []
    if broadcast.campaign_id is not None:
        expires_at = terms.load_one(session, broadcast.campaign_id).expiry(now)
        letters = [replace(letter, expires_at=expires_at) for letter in letters]
        decided = [one for letter in letters if (one := _foreseen(world, letter, in_vain))]
        left_out = {one.letter.reference for one in decided}
        able = [letter for letter in letters if letter.reference not in left_out]
        letters, transfers = _give(session, connection, funds, broadcast, sends, able, now=now)

    written = [outgoing.decide(world, letter) for letter in letters]
    _check_told(written, in_vain)
    decided += written
    message_ids = outgoing.write(session, decided, world=world, now=now)
    for each, ids_ in zip(decided, message_ids, strict=True):
        send = sends[each.letter.reference]
        send.outcome, send.message_ids = each.outcome, ids_
        send.reasons.extend(each.reasons)
        if isinstance(each, Sent):
            send.channel = each.channel
            part.leaves_until = max(each.due_at, part.leaves_until or each.due_at)
    part.done += len(turn)
    became = [counting.became(send.outcome, send.arm, send.reasons) for send in sends.values()]
    part.counts = counting.added(part.counts, Counter(became))
    session.flush()
    _keep(connection, broadcast, list(sends.values()), now=now)
    if transfers:
        ledger.post_all(connection, transfers)


def _arm(broadcast: Broadcast, world: World, customer_id: UUID) -> str:
    if broadcast.purpose == "marketing" and control.is_in(world.policy, customer_id):
        return "control"
    return "holdout" if is_in_share(broadcast.id, customer_id, bps=broadcast.holdout_bps) else "treated"


def _foreseen(world: World, letter: Letter, in_vain: Mapping[UUID, Sequence[Reason]]) -> Skipped | None:
    """Why somebody would not be told of their voucher: then they are given none, and no budget is spent on it."""
    if letter.customer_id in in_vain:
        return Skipped(letter, in_vain[letter.customer_id])
    contact = world.contacts.get(letter.customer_id)
    if letter.arm == "treated" and contact is not None and contact.status != "active":
        return Skipped(letter, [{"code": "suspended", "detail": "The customer is suspended."}])
    return outgoing.foresee(world, letter)


def _check_told(written: Sequence[Decided], in_vain: dict[UUID, Sequence[Reason]]) -> None:
    """raises  Beaten where somebody has a voucher by now and no letter: all is undone, and they are given none"""
    untold = {one.letter.customer_id: one.reasons for one in written if one.letter.voucher and isinstance(one, Skipped)}
    if untold:
        in_vain.update(untold)
        raise Beaten


def _give(
    session: Session,
    connection: Connection,
    funds: Funds,
    broadcast: Broadcast,
    sends: Mapping[UUID, _Send],
    letters: Sequence[Letter],
    *,
    now: datetime,
) -> tuple[list[Letter], list[Transfer]]:
    """The letters with their vouchers; those who may not have one get no letter either.

    effects  notes in `sends` which voucher they have, and why none
    raises   CampaignNotRunning and BudgetExhausted: those are no fault of any member's
    """
    assert broadcast.campaign_id is not None, "there is a campaign to give vouchers of"
    issues = [
        Issue(
            campaign_id=broadcast.campaign_id,
            customer_id=letter.customer_id,
            source=f"broadcast:{broadcast.id}:{letter.customer_id}",
        )
        for letter in letters
    ]
    outcomes, transfers = issuing.issue_later(session, connection, funds, issues, now=now) if issues else ([], [])
    given: list[tuple[Letter, Voucher]] = []
    for letter, outcome in zip(letters, outcomes, strict=True):
        send = sends[letter.reference]
        if isinstance(outcome, CampaignNotRunning | BudgetExhausted):
            raise outcome
        if isinstance(outcome, Refusal):
            # Held out is nobody's fault: it is how the campaign's effect is told.
            send.outcome = "held_out" if isinstance(outcome, HeldOut) else "refused"
            send.reasons.append({"code": outcome.code, "detail": outcome.detail, **outcome.facts})
        else:
            send.voucher_id = outcome.id
            given.append((letter, outcome))
    at_hand = {voucher.id: voucher for _, voucher in given}
    named = embeds.load(session, at_hand, at_hand) if at_hand else {}
    return [replace(letter, voucher=named[voucher.id]) for letter, voucher in given], list(transfers)


def _letters(
    broadcast: Broadcast, part: BroadcastPart, world: World, says: Wording, sends: Sequence[_Send]
) -> list[Letter]:
    """What is meant to be said to whom, yet without its voucher."""
    letters = []
    paced_from = pacing.begins_at(broadcast, now=world.now) if broadcast.per_minute else None
    for number, send in enumerate(sends, start=part.done):
        contact = world.contacts.get(send.customer_id)
        letters.append(
            Letter(
                customer_id=send.customer_id,
                arm=send.arm,
                purpose=broadcast.purpose,
                channels=broadcast.channels,
                wording=says,
                reference=send.id,
                quiet=broadcast.quiet,
                due_at=pacing.due_at_of(broadcast, part, number, contact.time_zone if contact else None, now=world.now),
                paced_from=paced_from,
            )
        )
    return letters


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


# Lists of lists of different lengths are no array of PostgreSQL's, so the ids of messages come as its own text.
_KEEP = """
    INSERT INTO engage.broadcast_send (broadcast_id, at, id, customer_id, arm, outcome, reasons, channel, voucher_id,
                                       message_ids)
    SELECT %s, %s, id, customer_id, arm, outcome, reasons::jsonb, channel, voucher_id, message_ids::uuid[]
      FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::text[], %b::text[], %s::text[], %s::uuid[], %s::text[])
           AS s (id, customer_id, arm, outcome, reasons, channel, voucher_id, message_ids)
"""
