"""Telling: what a batch of walks announces once all of it is decided."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from core.events import Event
from engage.walks.effects import Effects
from engage.walks.events import JourneyConverted, JourneyEnded, JourneyEntered, JourneyStepDone
from engage.walks.walk import Walk


def events_of(effects: Effects, settled_ids: Sequence[UUID]) -> list[Event]:
    """journey.entered, .step_done, .converted and .ended, in the order in which a customer came through them."""
    by_enrolment = {walk.id: walk for walk in effects.walks()}

    entered = [
        JourneyEntered(**_told(walk, effects), version_id=walk.version_id, is_held_out=walk.is_held_out, arm=walk.arm)
        for walk in effects.begun.values()
    ]
    waited = [
        JourneyStepDone(
            **_told(over.walk, effects),
            step_run_id=run_id,
            step=over.step,
            kind=effects.version(over.walk).graph.steps[over.step].kind,
            outcome=over.outcome,
            arm=over.walk.arm,
            variant=over.walk.variant,
        )
        for over, run_id in zip(effects.settled, settled_ids, strict=True)
    ]
    done = [
        JourneyStepDone(
            **_told(by_enrolment[run.enrolment_id], effects),
            step_run_id=run.id,
            step=run.step,
            kind=run.kind,
            outcome=run.outcome,
            arm=by_enrolment[run.enrolment_id].arm,
            variant=run.variant,
            is_inbox=run.kind == "message" and run.outcome == "sent" and not run.message_ids,
        )
        for run in effects.runs
        if run.outcome != "waiting"
    ]
    converted = [
        JourneyConverted(
            **_told(walk, effects),
            event_id=UUID(walk.conversion["event_id"]),
            converted_at=walk.converted_at,
            arm=walk.arm,
            variant=walk.variant,
            message_id=UUID(walk.conversion["message_id"]) if walk.conversion.get("message_id") else None,
        )
        for walk in effects.converted
        if walk.conversion is not None and walk.converted_at is not None
    ]
    ended = [
        JourneyEnded(**_told(walk, effects), reason=walk.end_reason, arm=walk.arm)
        for walk in effects.ended
        if walk.end_reason is not None
    ]
    return [*entered, *waited, *done, *converted, *ended]


def _told(walk: Walk, effects: Effects) -> dict[str, Any]:
    return {
        "customer_id": walk.customer_id, "occurred_at": effects.now, "caused_by": walk.caused_by,
        "depth": walk.depth, "trace": walk.trace, "journey_id": walk.journey_id, "enrolment_id": walk.id,
    }  # fmt: skip
