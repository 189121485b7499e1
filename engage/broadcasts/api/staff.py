"""Broadcasts over the staff door."""

from typing import Any
from uuid import UUID

from flask import Response
from flask_smorest import Blueprint

from core import clock
from core.db import transaction
from core.web import idempotent, principals
from core.web.doors import needs
from core.web.listings import page
from core.web.schemas import PageArgs, page_of
from engage import broadcasts
from engage.broadcasts import shown, trying
from engage.broadcasts.api.schemas import (
    BroadcastChangesSchema,
    BroadcastDetailSchema,
    BroadcastSchema,
    NewBroadcastSchema,
    StartSchema,
    TrialSchema,
    TriedListSchema,
)

blueprint = Blueprint("engage_broadcasts_staff", __name__, description="One message to everyone in a segment")


@blueprint.post("/broadcasts")
@blueprint.arguments(NewBroadcastSchema())
@blueprint.response(201, BroadcastSchema())
@needs("broadcasts.write")
def create_broadcast(args: dict[str, Any]) -> dict[str, Any]:
    """Write a broadcast to a segment; nothing is sent before it is started."""
    now = clock.now()
    with transaction() as session:
        made = broadcasts.create(session, args, actor=principals.current().name, now=now)
        return shown.row(made, now=now)


@blueprint.get("/broadcasts")
@blueprint.arguments(PageArgs(), location="query")
@blueprint.response(200, page_of(BroadcastSchema))
@needs("broadcasts.read")
def list_broadcasts(args: dict[str, Any]) -> dict[str, Any]:
    """All broadcasts, the latest first."""
    now = clock.now()
    with transaction() as session:
        found = page(args, lambda before, limit: broadcasts.list_(session, before=before, limit=limit))
        return {**found, "items": [shown.row(one, now=now) for one in found["items"]]}


@blueprint.get("/broadcasts/<uuid:broadcast_id>")
@blueprint.response(200, BroadcastDetailSchema())
@needs("broadcasts.read")
def get_broadcast(broadcast_id: UUID) -> dict[str, Any]:
    """A broadcast with how many it would reach, and what became of those whom it did."""
    with transaction() as session:
        return shown.one(session, broadcast_id, now=clock.now())


@blueprint.patch("/broadcasts/<uuid:broadcast_id>")
@blueprint.arguments(BroadcastChangesSchema())
@blueprint.response(200, BroadcastSchema())
@needs("broadcasts.write")
def change_broadcast(args: dict[str, Any], broadcast_id: UUID) -> dict[str, Any]:
    """Change a draft; once it is started it stays as it is."""
    now = clock.now()
    with transaction() as session:
        changed = broadcasts.change(session, broadcast_id, args, actor=principals.current().name, now=now)
        return shown.row(changed, now=now)


@blueprint.post("/broadcasts/<uuid:broadcast_id>/start")
@blueprint.arguments(StartSchema())
@blueprint.response(200, BroadcastSchema())
@idempotent.documented
@needs("broadcasts.send")
def start_broadcast(args: dict[str, Any], broadcast_id: UUID) -> Response:
    """Send it, at once or from its time on. Say how many members you were shown: many more by now are refused."""
    actor, now = principals.current().name, clock.now()
    return idempotent.command(
        lambda session: shown.row(
            broadcasts.start(session, broadcast_id, expected=args["expected"], actor=actor, now=now), now=now
        ),
        schema=BroadcastSchema(),
        status=200,
    )


@blueprint.put("/broadcasts/<uuid:broadcast_id>/cancellation")
@blueprint.response(200, BroadcastSchema())
@needs("broadcasts.send")
def cancel_broadcast(broadcast_id: UUID) -> dict[str, Any]:
    """Stop it, and take back what has not left yet. Vouchers stay with those who have them."""
    now = clock.now()
    with transaction() as session:
        cancelled = broadcasts.cancel(session, broadcast_id, actor=principals.current().name, now=now)
        return shown.row(cancelled, now=now)


@blueprint.post("/broadcasts/<uuid:broadcast_id>/tests")
@blueprint.arguments(TrialSchema())
@blueprint.response(201, TriedListSchema())
@idempotent.documented
@needs("broadcasts.send")
def try_broadcast(args: dict[str, Any], broadcast_id: UUID) -> Response:
    """Send what it says to a few customers by name, who must allow it; its vouchers show codes that open nothing."""
    actor, now = principals.current().name, clock.now()
    return idempotent.command(
        lambda session: {
            "items": trying.send(session, broadcast_id, list(dict.fromkeys(args["customer_ids"])), actor=actor, now=now)
        },
        schema=TriedListSchema(),
    )
