"""What a customer does with other people: send money, claim it, take it back."""

from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from flask import Response
from flask_smorest import Blueprint
from sqlalchemy.orm import Session

from core import clock
from core.db import transaction
from core.web import idempotent, pages, principals
from core.web.schemas import page_of
from wallet.api import approving
from wallet.api.guards import refuse_when_off
from wallet.peers import claims, sendings
from wallet.peers.api import answers, shapes
from wallet.peers.api.schemas import (
    ClaimArgsSchema,
    DirectionArgsSchema,
    SendingArgsSchema,
    SendingSchema,
    SendingStatusArgsSchema,
)
from wallet.peers.sendings import NewSending

blueprint = Blueprint("peers_customer", __name__, description="Money from person to person")


@blueprint.post("/sendings")
@blueprint.arguments(SendingArgsSchema())
@blueprint.response(201, SendingSchema())
@idempotent.documented
def create_sending(args: dict[str, Any]) -> Response:
    """Send money to a phone number, or to whoever is given a link; `pending` until it is claimed."""
    refuse_when_off()
    principal = principals.current()
    new = NewSending(
        principal=principal.name,
        key=idempotent.key(),
        fingerprint=idempotent.fingerprint(),
        sender_id=principal.id,
        phone=args["to"].get("phone"),
        amount_minor=args["amount"]["amount_minor"],
        currency=args["amount"]["currency"],
        note=args["note"],
        lasts=timedelta(seconds=args["expires_in_seconds"]),
        brand=answers.brand(),
        approval_id=args["approval_id"],
    )
    return answers.command(
        lambda session: sendings.send(session, new, now=clock.now()),
        show=_made,
        schema=SendingSchema(),
        beside=approving.beside(new.approval_id),
    )


@blueprint.get("/sendings")
@blueprint.arguments(DirectionArgsSchema(), location="query")
@blueprint.response(200, page_of(SendingSchema))
def list_sendings(args: dict[str, Any]) -> dict[str, Any]:
    """Money sent and received, latest first."""
    before = pages.before(args["cursor"])
    customer_id, limit = principals.current().id, args["limit"]
    with transaction() as session:
        found = sendings.list_(
            session,
            customer_id=customer_id,
            direction=args["direction"],
            before=before,
            limit=limit + 1,
        )
        return pages.page(shapes.sendings(session, found, customer_id), limit, at=lambda shown: shown["id"])


@blueprint.get("/sendings/<uuid:sending_id>")
@blueprint.response(200, SendingSchema())
def show_sending(sending_id: UUID) -> dict[str, Any]:
    """How a sending stands."""
    with transaction() as session:
        return _shown(session, sending_id)


@blueprint.put("/sendings/<uuid:sending_id>/status")
@blueprint.arguments(SendingStatusArgsSchema())
@blueprint.response(200, SendingSchema())
def put_sending_status(args: dict[str, Any], sending_id: UUID) -> dict[str, Any]:
    """Take back money that nobody has claimed yet."""
    with transaction() as session:
        sendings.cancel(session, sending_id, sender_id=principals.current().id, now=clock.now())
        return _shown(session, sending_id)


@blueprint.post("/sendings/claims")
@blueprint.arguments(ClaimArgsSchema())
@blueprint.response(201, SendingSchema())
@idempotent.documented
def create_claim(args: dict[str, Any]) -> Response:
    """Claim the money behind a link, or what came to the customer's number and their wallet had no room for."""
    refuse_when_off()
    customer_id, now = principals.current().id, clock.now()
    if "sending_id" in args:
        claim = partial(claims.by_receiver, sending_id=args["sending_id"], receiver_id=customer_id, now=now)
    else:
        claims.count_link(customer_id, now=now)
        claim = partial(claims.by_code, code=args["code"], receiver_id=customer_id, now=now)
    return answers.command(claim, show=_shown, schema=SendingSchema())


def _shown(session: Session, sending_id: UUID) -> dict[str, Any]:
    customer_id = principals.current().id
    found = sendings.find(session, sending_id, customer_id=customer_id)
    return shapes.sendings(session, [found], customer_id)[0]


def _made(session: Session, sending_id: UUID) -> dict[str, Any]:
    made = sendings.find(session, sending_id, customer_id=principals.current().id)
    return _shown(session, sending_id) | shapes.link_to(made, answers.brand().link_to_sending)
