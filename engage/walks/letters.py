"""Letters: the messages that a batch of walks means to send, as `engage.outgoing` takes them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import connection_of
from engage import outgoing
from engage.journeys.versions import Version
from engage.outgoing import Letter, World
from engage.steps import SendMessage
from engage.steps.clock import zone_of
from engage.templates import embeds, saved
from engage.templates.embeds import Embed
from engage.templates.wording import Wording
from engage.walks.effects import Planned
from insights import habits
from rewards.vouchers import Voucher


@dataclass(slots=True)
class Writing:
    """What letters of a batch hang on, read before any voucher is issued.

    world  None where no journey of the batch writes to anybody
    saved  the newest wordings of the templates that its steps name
    habits by customer, the hour of their own day at which they look; read where a step asks for it
    """

    world: World | None = None
    saved: Mapping[UUID, Wording] = field(default_factory=dict)
    habits: Mapping[UUID, int] = field(default_factory=dict)

    def wording(self, step: SendMessage) -> Wording:
        """raises  KeyError for a template that is gone"""
        if step.wording is not None:
            return step.wording
        assert step.template_id is not None, "a step says what it sends, or names it"
        return self.saved[step.template_id]


def prepare(
    session: Session, versions: Mapping[UUID, Version], walks: Sequence[tuple[UUID, UUID]], *, now: datetime
) -> Writing:
    """What must be known to write to those who may be written to.

    walks    (version, customer)
    effects  locks the customers' counts under frequency caps
    """
    steps = {version: _messages(versions[version]) for version in {version for version, _ in walks}}
    customer_ids = {customer for version, customer in walks if steps[version]}
    if not customer_ids:
        return Writing()
    every = [step for each in steps.values() for step in each]
    writing = Writing(saved=saved.live(session, {step.template_id for step in every if step.template_id}))
    wordings = [*writing.saved.values(), *(step.wording for step in every if step.wording)]
    writing.world = outgoing.prepare(session, customer_ids, now=now, wordings=wordings)
    if any(step.by_habit for step in every):
        zones = {customer: zone_of(contact.time_zone) for customer, contact in writing.world.contacts.items()}
        writing.habits = habits.hours(connection_of(session), customer_ids, zones, now=now)
    return writing


def write(
    session: Session, writing: Writing, planned: Sequence[Planned], *, at_hand: Mapping[UUID, Voucher], now: datetime
) -> None:
    """Decide, render and enqueue all of them.

    at_hand  vouchers that were issued just now
    effects  sets each run's outcome ("sent", "skipped" or "held_out"), reasons and message ids
    raises   rewards.funds.Beaten where a twin took the last of a cap: undo, and prepare anew
    """
    if not planned:
        return
    assert writing.world is not None, "somebody whose journey writes was prepared for"
    named = embeds.load(session, _named(writing, planned), at_hand)
    decided = [outgoing.decide(writing.world, letter_of(writing, writing.world, one, named)) for one in planned]
    message_ids = outgoing.write(session, decided, world=writing.world, now=now)
    for one, outcome, ids in zip(planned, decided, message_ids, strict=True):
        one.run.outcome, one.run.message_ids = outcome.outcome, ids
        one.run.reasons.extend(outcome.reasons)


def _messages(version: Version) -> list[SendMessage]:
    return [step for step in version.graph.steps.values() if isinstance(step, SendMessage)]


def _named(writing: Writing, planned: Iterable[Planned]) -> list[UUID]:
    return [one.voucher_id for one in planned if one.voucher_id and writing.wording(one.step).says_voucher]


def letter_of(writing: Writing, world: World, one: Planned, named: Mapping[UUID, Embed]) -> Letter:
    """What a message step means to say. named: by id, the vouchers that letters may name"""
    walk, step = one.walk, one.step
    contact = world.contacts.get(walk.customer_id)
    return Letter(
        customer_id=walk.customer_id,
        arm=walk.arm,
        purpose=step.purpose,
        channels=step.channels,
        wording=writing.wording(step),
        context={"event": walk.context.get("payload", {})},
        traits=one.traits,
        reference=one.run.id,
        voucher=named.get(one.voucher_id) if one.voucher_id else None,
        quiet=step.quiet,
        due_at=step.due_at(
            contact.time_zone if contact else None, now=world.now, habit=writing.habits.get(walk.customer_id)
        ),
        caused_by=walk.caused_by,
        depth=walk.depth,
        trace=walk.trace,
    )
