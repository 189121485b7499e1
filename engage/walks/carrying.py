"""Advancing: every walk of a batch goes as far as it can, in one transaction with all that its steps bring about.

The walks run until they ask for a voucher; all vouchers of the batch are issued at once (a transaction posts to the
ledger at most once); the walks run on; all messages are written at once; then the walks themselves. A walk that asks
for a second voucher stays `ready` for the next transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core.errors import Refusal
from core.events import Event, LoggedEvent, announce_all
from core.events.announce import MAX_DEPTH
from engage.journeys.versions import Catalogue, Version
from engage.outgoing import writing as outgoing
from engage.outgoing.writing import Planned
from engage.steps import AskVoucher, End, Go, Move, Pause, Run, SendMessage
from engage.walks import giving, rows
from engage.walks.events import JourneyEnded, JourneyEntered, JourneyStepDone
from engage.walks.giving import Asked
from engage.walks.rows import Settled
from engage.walks.walk import Walk
from rewards.campaigns.errors import HeldOut
from rewards.vouchers import Voucher

#: A walk that has taken so many steps goes round a loop that its waits do not slow down.
MOST_VISITS = 500

#: What a walk brings about announces events of its own, one deeper: beyond this depth nobody enters a journey.
DEEPEST = MAX_DEPTH - 1


@dataclass
class Batch:
    """What one transaction moves: collected first (`end_wait`, or put in directly), then carried out once."""

    catalogue: Catalogue
    now: datetime
    begun: dict[UUID, Walk] = field(default_factory=dict)
    moved: dict[UUID, Walk] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)
    settled: list[Settled] = field(default_factory=list)
    messages: list[Planned] = field(default_factory=list)

    def version(self, walk: Walk) -> Version:
        return self.catalogue.versions[walk.version_id]

    def walks(self) -> list[Walk]:
        return [*self.begun.values(), *self.moved.values()]


def carry_out(session: Session, batch: Batch) -> None:
    """Let every walk of the batch go as far as it can, and write all of it.

    effects  issues vouchers, enqueues messages, announces journey.entered, journey.step_done and journey.ended
    """
    settled_ids = rows.settle_waits(session, batch.settled)
    asked = [ask for walk in batch.walks() if (ask := _run_on(batch, walk, may_ask=True)) is not None]

    given = giving.give(session, asked, now=batch.now)
    for ask in asked:
        _take(batch, ask, given[ask.run.id])
        _run_on(batch, ask.walk, may_ask=False)

    at_hand = {answer.id: answer.code for answer in given.values() if isinstance(answer, Voucher)}
    outgoing.send(session, batch.messages, codes_at_hand=at_hand, now=batch.now)
    rows.keep(session, begun=list(batch.begun.values()), moved=list(batch.moved.values()), runs=batch.runs)
    announce_all(session, _facts(batch, settled_ids))


def caused(walk: Walk, event: LoggedEvent) -> None:
    """From here on the walk's effects are this event's."""
    walk.caused_by, walk.depth, walk.trace = event.id, min(event.depth + 1, DEEPEST), event.trace


def end_wait(batch: Batch, walk: Walk, to: str | None, *, outcome: str, code: str, detail: str, **facts: Any) -> None:
    """Let a walk that waits go on to a step, with the reason why its wait is over."""
    reason = {"code": code, "detail": detail, **facts}
    batch.settled.append(Settled(walk, walk.step or "", walk.visit, outcome, [reason]))
    batch.moved[walk.id] = walk
    _leave(batch, walk, to)


def _leave(batch: Batch, walk: Walk, to: str | None, *, reason: str = "finished") -> None:
    """Send a walk on to a step, or end it where the branch leads nowhere."""
    if to is None:
        walk.end(reason, now=batch.now)
    else:
        walk.go(to, now=batch.now)


def _run_on(batch: Batch, walk: Walk, *, may_ask: bool) -> Asked | None:
    """Enter step after step until the walk stands still, ends, or asks for a voucher."""
    version = batch.version(walk)
    if walk.state == "ready" and version.status == "ended":
        walk.end("journey_ended", now=batch.now)
    while walk.state == "ready" and walk.step is not None:
        step = version.graph.steps[walk.step]
        if walk.visit >= MOST_VISITS:
            walk.end("too_many_steps", now=batch.now)
            break
        if step.gives_voucher_on and not may_ask and not walk.is_held_out:
            break
        walk.visit += 1
        walk.step_entered_at = batch.now
        run = Run(walk.id, walk.customer_id, walk.step, walk.visit, step.kind, batch.now)
        batch.runs.append(run)
        move = step.enter(walk.where, run, now=batch.now)
        if isinstance(step, SendMessage) and run.outcome == "planned":
            batch.messages.append(Planned(walk, run, step, walk.voucher_id))
        if isinstance(move, AskVoucher):
            return Asked(walk, run, move.campaign_id)
        _apply(batch, walk, move)
    return None


def _apply(batch: Batch, walk: Walk, move: Move) -> None:
    if isinstance(move, Go):
        _leave(batch, walk, move.to, reason=move.reason)
    elif isinstance(move, Pause):
        walk.pause(until=move.until, awaited_event=move.awaited_event)
    elif isinstance(move, End):
        walk.end(move.reason, now=batch.now)


def _take(batch: Batch, ask: Asked, answer: Voucher | Refusal) -> None:
    """Go on with what came of a walk's request: its voucher, or a refusal."""
    walk, run = ask.walk, ask.run
    branches = batch.version(walk).graph.steps[run.step].branches
    if isinstance(answer, Refusal):
        # Held out is nobody's fault: it is how the campaign's effect is told.
        is_held_out = isinstance(answer, HeldOut)
        run.outcome = "held_out" if is_held_out else "refused"
        run.because(answer.code, answer.detail, **answer.facts)
        _leave(batch, walk, branches["on_refused"], reason="held_out" if is_held_out else f"refused: {answer.code}")
    else:
        run.outcome, run.voucher_id = "issued", answer.id
        walk.voucher_id, walk.voucher_redeemed_at = answer.id, None
        _leave(batch, walk, branches["next"])


def _facts(batch: Batch, settled_ids: Sequence[UUID]) -> Sequence[Event]:
    by_enrolment = {walk.id: walk for walk in batch.walks()}

    def told(walk: Walk) -> dict[str, Any]:
        return {
            "customer_id": walk.customer_id, "occurred_at": batch.now, "caused_by": walk.caused_by,
            "depth": walk.depth, "trace": walk.trace, "journey_id": walk.journey_id, "enrolment_id": walk.id,
        }  # fmt: skip

    entered = [
        JourneyEntered(**told(walk), version_id=walk.version_id, is_held_out=walk.is_held_out)
        for walk in batch.begun.values()
    ]
    waited = [
        JourneyStepDone(**told(over.walk), step_run_id=run_id, step=over.step, kind="wait", outcome=over.outcome)
        for over, run_id in zip(batch.settled, settled_ids, strict=True)
    ]
    done = [
        JourneyStepDone(
            **told(by_enrolment[run.enrolment_id]),
            step_run_id=run.id,
            step=run.step,
            kind=run.kind,
            outcome=run.outcome,
        )
        for run in batch.runs
        if run.outcome != "waiting"
    ]
    ended = [JourneyEnded(**told(walk), reason=walk.end_reason) for walk in batch.walks() if walk.end_reason]
    return [*entered, *waited, *done, *ended]
