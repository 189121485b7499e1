"""Checks over a whole graph: each branch leads somewhere, nothing spins, no step lacks the voucher that it needs."""

from collections.abc import Iterator, Mapping
from typing import Any

from core.events.named import VOUCHER_REDEEMED
from core.notes import Notes
from engage.steps import Step, Wait, WaitUntil
from engage.steps.hints import unknown


def check(first: str, steps: Mapping[str, Step], notes: Notes) -> None:
    """Note every fault in how the steps hang together."""
    if first not in steps:
        notes.at("first").say(unknown(first, steps.keys(), "step") if first else "Must be the name of a step.")
    here = notes.at("steps")
    for name, step in steps.items():
        for branch, to in step.branches.items():
            if to is not None and not _is_step(to, steps):
                _place(here.at(name), step, branch).say(_no_step(to, steps))
    if notes.errors:
        return

    reached = _reached(first, steps)
    for name in steps.keys() - reached:
        here.at(name).say("No branch leads to this step.")
    for name in sorted(_spinning(steps)):
        here.at(name).say("This step leads back to itself without any wait between.")
    holding = surely_holding(first, steps)
    for name in sorted(reached):
        need = steps[name].needs_voucher
        if need and not holding[name]:
            here.at(name).say(f"This step {need}, but it can be reached without one having been issued.")


def _place(notes: Notes, step: Step, branch: str) -> Notes:
    """Where a branch stands as it was drawn."""
    if isinstance(step, WaitUntil) and branch == "on_timeout":
        return notes.at("next")
    for part in branch.split("/"):
        notes = notes.at(part)
    return notes


def _no_step(to: Any, steps: Mapping[str, Step]) -> str:
    told = f"{unknown(to, steps.keys(), 'step')} " if isinstance(to, str) else ""
    return f"{told}Must be the name of a step, or left out where the journey ends."


def counts_on_voucher(steps: Mapping[str, Step]) -> set[str]:
    """The steps from which one that needs a voucher can be reached before another has been issued."""
    counting = {name for name, step in steps.items() if step.needs_voucher}
    before = -1
    while before != len(counting):
        before = len(counting)
        counting |= {
            name
            for name, step in steps.items()
            if any(to in counting and step.gives_voucher_on != branch for branch, to in _next(step))
        }
    return counting


def _is_step(to: Any, steps: Mapping[str, Step]) -> bool:
    return isinstance(to, str) and to in steps


def _next(step: Step) -> Iterator[tuple[str, str]]:
    """(branch, step) of every branch that leads on."""
    return ((branch, to) for branch, to in step.branches.items() if to is not None)


def _reached(first: str, steps: Mapping[str, Step]) -> set[str]:
    reached, pending = {first}, [first]
    while pending:
        for _, to in _next(steps[pending.pop()]):
            if to not in reached:
                reached.add(to)
                pending.append(to)
    return reached


def looping_at_once(steps: Mapping[str, Step]) -> set[str]:
    """Steps on a loop whose waits may all be over before they begin: for what happened already (a look-back, a voucher
    that is redeemed, a day that is over).
    """
    looking_back = {name: _at_once(step) for name, step in steps.items()}
    # A wait for a redemption is over once the voucher is redeemed, unless another was given on the way round.
    redeemed = {
        name: _at_once(step, is_redeemed=True) - {to for branch, to in _next(step) if step.gives_voucher_on == branch}
        for name, step in steps.items()
    }
    return _on_loops(looking_back) | _on_loops(redeemed)


def _at_once(step: Step, *, is_redeemed: bool = False) -> set[str]:
    """Where a step may lead in the same moment."""
    onward = dict(_next(step))
    if isinstance(step, WaitUntil):
        return set(onward.values()) if step.date_of else set()
    if isinstance(step, Wait):
        is_over = bool(step.look_back) or (is_redeemed and step.for_event == VOUCHER_REDEEMED)
        return {onward["on_event"]} if is_over and "on_event" in onward else set()
    return set(onward.values())


def _spinning(steps: Mapping[str, Step]) -> set[str]:
    """Steps on a loop in which no time passes."""
    return _on_loops({name: {to for _, to in _next(step)} for name, step in steps.items() if not step.pauses})


def _on_loops(left: Mapping[str, set[str]]) -> set[str]:
    """What is left when steps that lead only to the end are taken away."""
    before = -1
    while before != len(left):
        before = len(left)
        left = {name: onward & left.keys() for name, onward in left.items() if onward & left.keys()}
    # And from the other side, so that a step which only leads into a loop is not blamed.
    before = -1
    while before != len(left):
        before = len(left)
        entered = set().union(*left.values()) if left else set()
        left = {name: onward for name, onward in left.items() if name in entered}
    return set(left)


def surely_holding(first: str, steps: Mapping[str, Step]) -> dict[str, bool]:
    """Whether each step is reached with a voucher whichever way the walk came (held-out walks aside)."""
    holding = dict.fromkeys(steps, True)
    holding[first] = False
    changed = True
    while changed:
        changed = False
        for name, step in steps.items():
            for branch, to in _next(step):
                if holding[to] and not (holding[name] or step.gives_voucher_on == branch):
                    holding[to] = False
                    changed = True
    return holding
