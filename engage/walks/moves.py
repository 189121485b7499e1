"""Moves: the few ways in which a walk changes, each noted in the effects of its batch."""

from datetime import datetime
from typing import Any

from core.events import LoggedEvent
from core.events.announce import MAX_DEPTH
from engage.steps import Branch, End, Go, Move, Pause, Run, SendMessage
from engage.walks.effects import Effects, Planned, Settled
from engage.walks.walk import Walk

#: What a walk brings about announces events of its own, one deeper: beyond this depth nobody enters a journey.
DEEPEST = MAX_DEPTH - 1


def time_of(effects: Effects, event: LoggedEvent) -> datetime:
    """When it happened: what is read now did so by now at the latest, whatever a clock that is years ahead has said."""
    return min(event.occurred_at, effects.now)


def caused(walk: Walk, event: LoggedEvent) -> None:
    """From here on the walk's effects are this event's."""
    walk.caused_by, walk.depth, walk.trace = event.id, min(event.depth + 1, DEEPEST), event.trace


def standing(effects: Effects, walk: Walk) -> Any:
    """The step at which a walk waits; None where it does not."""
    return effects.version(walk).graph.steps[walk.step] if walk.is_waiting and walk.step else None


def end_wait(effects: Effects, walk: Walk, outcome: str, detail: str, **facts: Any) -> None:
    run = effects.paused.pop(walk.id, None)
    if run is not None:  # it began in this very batch
        run.outcome = outcome
        run.because(outcome, detail, **facts)
    else:
        reason = {"code": outcome, "detail": detail, **facts}
        effects.settled.append(Settled(walk, walk.step or "", walk.visit, outcome, [reason]))
    effects.touch(walk)


def leave(effects: Effects, walk: Walk, to: Branch, *, at: datetime | None = None, reason: str = "finished") -> None:
    """Send a walk on to a step, or end it where the branch leads nowhere. at: when, if not just now"""
    if to is None:
        end(effects, walk, reason)
    else:
        walk.go(to, now=effects.now)
        walk.step_entered_at = at or walk.step_entered_at


def end(effects: Effects, walk: Walk, reason: str) -> None:
    walk.end(reason, now=effects.now)
    effects.ended.append(walk)
    effects.touch(walk)


def apply(effects: Effects, walk: Walk, run: Run, move: Move) -> None:
    """Do what an entered step says."""
    step = effects.version(walk).graph.steps[run.step]
    if run.variant is not None:
        walk.variants = {**walk.variants, run.step: run.variant}
    else:
        run.variant = walk.variant
    if isinstance(step, SendMessage) and run.outcome == "planned":
        traits = dict(effects.traits.get(walk.customer_id, {}))
        effects.planned.append(Planned(walk, run, step, walk.voucher_id, traits))
    if isinstance(move, Go):
        leave(effects, walk, move.to, reason=move.reason)
    elif isinstance(move, Pause):
        effects.paused[walk.id] = run
        walk.pause(until=move.until, awaited_event=move.awaited_event)
    elif isinstance(move, End):
        end(effects, walk, move.reason)
    else:
        raise TypeError(f"a step that was answered asked again: {step.kind}")
