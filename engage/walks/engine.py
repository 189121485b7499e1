"""The engine: how a walk moves through its journey. No database, no clock, no chance.

Whoever drives it (the worker, a backtest, a test) hands in the events, the time and the answers to what steps ask for,
and finds what came of it in `Effects`:

    walk = engine.begin(effects, version, event, key, arm)      a customer enters
    engine.wake(effects, walk, event)                           something happened: a goal, an exit, a wait's end
    engine.time_out(effects, walk)                              the time is over
    asked = engine.run_on(effects, walk)                        step after step, until it stands, ends or asks
    asked = engine.answer(effects, asked, answer)               and on with the answer
"""

from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from core.events import LoggedEvent
from core.events.named import VOUCHER_REDEEMED
from engage.journeys.versions import Version
from engage.steps import Arm, AskTrait, End, Go, Move, Pause, Pausing, Run, Wait
from engage.walks import context, moves
from engage.walks.effects import (
    Answer,
    Asked,
    AskPast,
    Effects,
    Given,
    Known,
    Past,
    Refused,
)
from engage.walks.walk import Walk

#: A walk that has taken so many steps goes round a loop that its waits do not slow down.
MOST_VISITS = 500

#: An event that was read so long after it happened may stand behind others that happened later: a wait looks back.
_LATE = timedelta(minutes=1)


def begin(effects: Effects, version: Version, event: LoggedEvent, key: str, arm: Arm) -> Walk:
    """A customer enters a version by an event, under a key."""
    assert event.customer_id is not None, "only customers walk"
    goal = version.graph.goal
    walk = Walk(
        id=effects.new_id(),
        journey_id=version.journey_id,
        version_id=version.id,
        customer_id=event.customer_id,
        entry_key=key,
        arm=arm,
        state="ready",
        due_at=effects.now,
        step=version.graph.first,
        visit=0,
        step_entered_at=moves.time_of(effects, event),
        entered_at=effects.now,
        context=context.of(event, at=moves.time_of(effects, event)),
        is_exclusive=version.graph.is_exclusive,
        goal_until=None if goal is None else moves.time_of(effects, event) + goal.within,
    )
    moves.caused(walk, event)
    effects.begun[walk.id] = walk
    return walk


def wake(effects: Effects, walk: Walk, event: LoggedEvent) -> None:
    """Tell a walk of an event: the goal is reached, an exit holds, its voucher was redeemed, or its wait is over."""
    if str(event.id) == walk.context.get("id"):
        return  # it was what let them in
    _convert(effects, walk, event)
    if walk.state == "ended" or _exit(effects, walk, event):
        return
    if event.name == VOUCHER_REDEEMED and not _redeem(effects, walk, event):
        return
    step = moves.standing(effects, walk)
    if not isinstance(step, Wait) or walk.timeout_at is None or event.id == walk.caused_by:
        return
    if _ends(effects, step, walk, event, since=walk.step_entered_at, until=walk.timeout_at):
        moves.caused(walk, event)
        moves.end_wait(effects, walk, "event", f"{event.name} happened in time.", event_id=str(event.id))
        moves.leave(effects, walk, step.on_event, at=moves.time_of(effects, event))


def time_out(effects: Effects, walk: Walk) -> None:
    """End a wait by its time-out. Whoever calls has made sure that what happened until then is known."""
    step = moves.standing(effects, walk)
    assert step is not None, "a walk that waits stands at its step"
    assert walk.timeout_at is not None, "a walk that waits does so until then"
    awaited = walk.awaited_event
    detail = f"{awaited} did not happen in time." if awaited else "The time is over."
    at = walk.timeout_at
    moves.end_wait(effects, walk, "timeout", detail)
    moves.leave(effects, walk, cast(Pausing, step).on_timeout, at=at)


def run_on(effects: Effects, walk: Walk, *, zone: str | None = None, may_ask: bool = True) -> Asked | None:
    """Enter step after step until the walk stands still, ends, or asks.

    may_ask  False: what would ask stays before that step, ready for another transaction
    """
    version = effects.version(walk)
    effects.touch(walk)
    if walk.state == "ready" and version.status == "ended":
        moves.end(effects, walk, "journey_ended")
    while walk.state == "ready" and walk.step is not None:
        step = version.graph.steps[walk.step]
        if walk.visit >= MOST_VISITS:
            moves.end(effects, walk, "too_many_steps")
            break
        run = Run(
            walk.id, walk.customer_id, walk.step, walk.visit + 1, step.kind, effects.now, id=effects.new_id()
        )  # fmt: skip
        move = step.enter(walk.where(zone), run, now=effects.now)
        ask = _asking(effects, walk, move)
        if ask is not None and not may_ask:
            break
        walk.visit += 1
        effects.runs.append(run)
        if ask is not None:
            return Asked(walk, run, ask)
        moves.apply(effects, walk, run, move)
    return None


def answer(effects: Effects, asked: Asked, given: Answer, *, zone: str | None = None) -> None:
    """Let a walk take the answer to what its step asked for; then it can run on."""
    walk, run = asked.walk, asked.run
    step = effects.version(walk).graph.steps[run.step]
    if isinstance(given, Past):
        _take_past(effects, walk, run, given)
    elif isinstance(given, Known):
        given.facts.traits = {**given.facts.traits, **effects.traits.get(walk.customer_id, {})}
        moves.apply(effects, walk, run, step.enter(walk.where(zone, facts=given.facts), run, now=effects.now))
    elif isinstance(given, Refused):
        run.variant = walk.variant
        run.outcome = "held_out" if given.is_held_out else "refused"
        run.because(given.code, given.detail, **given.facts)
        reason = "held_out" if given.is_held_out else f"refused: {given.code}"
        moves.leave(effects, walk, step.branches["on_refused"], reason=reason)
    elif isinstance(given, Given):
        run.variant = walk.variant
        run.outcome = "issued" if given.voucher_id else "credited"
        if given.voucher_id:
            run.voucher_id = given.voucher_id
            walk.voucher_id, walk.voucher_redeemed_at = given.voucher_id, None
        moves.leave(effects, walk, step.branches["next"])
    else:
        if isinstance(asked.ask, AskTrait):
            effects.traits.setdefault(walk.customer_id, {})[asked.ask.name] = asked.ask.value
        run.variant = walk.variant
        run.outcome = given.outcome
        moves.leave(effects, walk, step.branches["next"])


def listens(effects: Effects, walk: Walk) -> bool:
    """Whether anything that happens may end a wait before its time is over."""
    step = moves.standing(effects, walk)
    return bool(walk.awaited_event or effects.version(walk).graph.exits) if step is not None else False


def credit(walk: Walk, *, message_id: UUID | None) -> None:
    """Say which message a conversion is due to, if any was delivered before it."""
    if walk.conversion is not None:
        walk.conversion["message_id"] = str(message_id) if message_id else None


def _convert(effects: Effects, walk: Walk, event: LoggedEvent) -> None:
    """Once an enrolment, within its window, also after its end; those held out convert as well."""
    goal, at = effects.version(walk).graph.goal, moves.time_of(effects, event)
    if goal is None or walk.goal_until is None or not walk.began_at <= at <= walk.goal_until:
        return
    if goal.happening.counts(event.name, event.payload, entry_key=walk.entry_key):
        walk.goal_until, walk.converted_at = None, at
        walk.conversion = {"event_id": str(event.id), "event": event.name}
        effects.converted.append(walk)
        effects.touch(walk)


def _exit(effects: Effects, walk: Walk, event: LoggedEvent) -> bool:
    """End a walk at once, wherever it stands: a wait of thirty days is not waited out."""
    if moves.time_of(effects, event) < walk.began_at:
        return False
    exits = effects.version(walk).graph.exits
    if not any(one.counts(event.name, event.payload, entry_key=walk.entry_key) for one in exits):
        return False
    moves.caused(walk, event)
    if walk.is_waiting:
        moves.end_wait(effects, walk, "exited", f"{event.name} ended the journey.", event_id=str(event.id))
    moves.end(effects, walk, f"exit: {event.name}")
    return True


def _redeem(effects: Effects, walk: Walk, event: LoggedEvent) -> bool:
    """Note that the walk's own voucher was redeemed; another's says nothing."""
    if walk.voucher_id is None or event.payload.get("voucher_id") != str(walk.voucher_id):
        return False
    if walk.voucher_redeemed_at is None:
        walk.voucher_redeemed_at = event.occurred_at
        effects.touch(walk)
    return True


def _ends(effects: Effects, step: Wait, walk: Walk, event: LoggedEvent, *, since: datetime, until: datetime) -> bool:
    at = moves.time_of(effects, event)
    return step.is_ended_by(event.name, event.payload, at=at, since=since, until=until, entry_key=walk.entry_key)


def _asking(effects: Effects, walk: Walk, move: Move) -> Any:
    """What must be answered before the walk goes on; a wait asks for what it looks back to."""
    if isinstance(move, Pause):
        return _past(effects, walk, move)
    return None if isinstance(move, Go | End) else move


def _past(effects: Effects, walk: Walk, pause: Pause) -> AskPast | None:
    """A wait counts from the moment that the walk came to it, which may be over for a while: a worker was down, an
    event was told late, the walk stood ready until now. What was read in between is looked up; a look-back reaches
    further, by the author's wish.
    """
    step = effects.version(walk).graph.steps[walk.step or ""]
    if not isinstance(step, Wait) or pause.awaited_event in (None, VOUCHER_REDEEMED):
        return None
    assert pause.awaited_event is not None
    since = walk.step_entered_at - step.look_back
    has_passed = effects.now - walk.step_entered_at > (timedelta(0) if effects.is_late else _LATE)
    looks = step.look_back or has_passed or walk.id in effects.resumed
    return AskPast(pause.awaited_event, since) if looks else None


def _is_behind(step: Wait, walk: Walk, event: LoggedEvent) -> bool:
    """Whether the walk has passed an event of the very moment at which another one ended its last wait. Two of one
    moment would else end the waits of a loop in turn, for ever.
    """
    if step.look_back or walk.caused_by is None or str(walk.caused_by) == walk.context.get("id"):
        return False
    return event.occurred_at == walk.step_entered_at and event.id <= walk.caused_by


def _take_past(effects: Effects, walk: Walk, run: Run, past: Past) -> None:
    step = effects.version(walk).graph.steps[run.step]
    assert isinstance(step, Wait), "only a wait looks back"
    for event in past.events:
        is_new = str(event.id) not in (str(walk.caused_by), walk.context.get("id")) and not _is_behind(
            step, walk, event
        )
        if is_new and _ends(effects, step, walk, event, since=walk.step_entered_at, until=effects.now):
            moves.caused(walk, event)
            run.outcome = "event"
            run.because("happened_before", f"{event.name} had happened already.", event_id=str(event.id))
            moves.leave(effects, walk, step.on_event, at=max(event.occurred_at, walk.step_entered_at))
            return
    moves.apply(effects, walk, run, step.enter(walk.where(), run, now=effects.now))
