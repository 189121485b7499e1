"""Letters: the messages that a batch of walks means to send, as `engage.outgoing` takes them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core.notes import Notes
from engage import outgoing
from engage.journeys.versions import Version
from engage.outgoing import Letter, World
from engage.steps import SendMessage
from engage.templates import embeds, variables
from engage.templates.embeds import Embed
from engage.templates.wording import Wording, inline
from engage.walks.effects import Planned
from rewards.vouchers import Voucher


def prepare(
    session: Session, versions: Mapping[UUID, Version], walks: Iterable[tuple[UUID, UUID]], *, now: datetime
) -> World | None:
    """What must be known to write to those who may be written to; None where no journey of theirs writes.

    walks    (version, customer)
    effects  locks the customers' counts under frequency caps
    """
    said = {version: _wordings(versions[version]) for version in {version for version, _ in walks}}
    customer_ids = {customer for version, customer in walks if said[version]}
    if not customer_ids:
        return None
    return outgoing.prepare(session, customer_ids, now=now, wordings=[one for each in said.values() for one in each])


def write(
    session: Session, planned: Sequence[Planned], *, world: World | None, at_hand: Mapping[UUID, Voucher], now: datetime
) -> None:
    """Decide, render and enqueue all of them.

    at_hand  vouchers that were issued just now
    effects  sets each run's outcome ("sent" or "skipped"), reasons and message ids
    raises   rewards.funds.Beaten where a twin took the last of a cap: undo, and prepare anew
    """
    if not planned:
        return
    assert world is not None, "somebody whose journey writes was prepared for"
    named = embeds.load(
        session, [one.voucher_id for one in planned if one.step.says_voucher and one.voucher_id], at_hand
    )
    decided = [outgoing.decide(world, _letter(one, named)) for one in planned]
    message_ids = outgoing.write(session, decided, world=world, now=now)
    for one, outcome, ids in zip(planned, decided, message_ids, strict=True):
        one.run.outcome, one.run.message_ids = outcome.outcome, ids
        one.run.reasons.extend(outcome.reasons)


def _letter(one: Planned, named: Mapping[UUID, Embed]) -> Letter:
    walk, step = one.walk, one.step
    return Letter(
        customer_id=walk.customer_id,
        arm=walk.arm,
        purpose=step.purpose,
        channels=step.channels,
        wording=_wording(step.wording),
        context={"event": walk.context.get("payload", {})},
        reference=one.run.id,
        voucher=named.get(one.voucher_id) if one.voucher_id else None,
        caused_by=walk.caused_by,
        depth=walk.depth,
        trace=walk.trace,
    )


def _wordings(version: Version) -> list[Wording]:
    return [_wording(step.wording) for step in version.graph.steps.values() if isinstance(step, SendMessage)]


def _wording(said: Any) -> Wording:
    if isinstance(said, Wording):
        return said
    raw = {"title": said.title, "body": said.body}
    if said.content_sid:
        raw["whatsapp"] = {"content_sid": said.content_sid, "content_variables": dict(said.content_variables)}
    return inline({name: value for name, value in raw.items() if value is not None}, Notes(), variables.ANY)
