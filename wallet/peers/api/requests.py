"""What a customer asks of other people, and is asked by them."""

from datetime import timedelta
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
from wallet.peers import claims, request_payments, requests, sendings
from wallet.peers.api import answers, shapes
from wallet.peers.api.schemas import (
    DirectionArgsSchema,
    LinkCodeArgsSchema,
    MoneyRequestArgsSchema,
    MoneyRequestSchema,
    MoneyRequestStatusArgsSchema,
    RequestPaymentArgsSchema,
    SendingSchema,
)
from wallet.peers.models import MoneyRequest
from wallet.peers.request_payments import Paying
from wallet.peers.requests import NewMoneyRequest

blueprint = Blueprint("money_requests_customer", __name__, description="Asking others for money")


@blueprint.post("/money-requests")
@blueprint.arguments(MoneyRequestArgsSchema())
@blueprint.response(201, MoneyRequestSchema())
@idempotent.documented
def create_money_request(args: dict[str, Any]) -> Response:
    """Ask a phone number for money, or whoever is given a link."""
    refuse_when_off()
    new = NewMoneyRequest(
        requester_id=principals.current().id,
        phone=args["from_"].get("phone"),
        amount_minor=args["amount"]["amount_minor"],
        currency=args["amount"]["currency"],
        note=args["note"],
        lasts=timedelta(seconds=args["expires_in_seconds"]),
    )
    return answers.command(
        lambda session: requests.ask(session, new, now=clock.now()), show=_made, schema=MoneyRequestSchema()
    )


@blueprint.get("/money-requests")
@blueprint.arguments(DirectionArgsSchema(), location="query")
@blueprint.response(200, page_of(MoneyRequestSchema))
def list_money_requests(args: dict[str, Any]) -> dict[str, Any]:
    """Money asked for, latest first; `direction=in` is what this customer is asked."""
    before = pages.before(args["cursor"])
    customer_id, limit = principals.current().id, args["limit"]
    with transaction() as session:
        found = requests.list_(
            session,
            customer_id=customer_id,
            direction=args["direction"],
            before=before,
            limit=limit + 1,
        )
        return pages.page(shapes.requests(session, found, customer_id), limit, at=lambda shown: shown["id"])


@blueprint.get("/money-requests/<uuid:money_request_id>")
@blueprint.response(200, MoneyRequestSchema())
def show_money_request(money_request_id: UUID) -> dict[str, Any]:
    """How a request for money stands."""
    with transaction() as session:
        return _shown(session, money_request_id)


@blueprint.post("/money-requests/look-ups")
@blueprint.arguments(LinkCodeArgsSchema())
@blueprint.response(200, MoneyRequestSchema())
def look_up_money_request(args: dict[str, Any]) -> dict[str, Any]:
    """What the link of a request asks for: show this before paying it."""
    claims.count_link(principals.current().id, now=clock.now())
    with transaction() as session:
        return _of(session, requests.by_code(session, args["code"]))


@blueprint.post("/money-requests/<uuid:money_request_id>/payments")
@blueprint.arguments(RequestPaymentArgsSchema())
@blueprint.response(201, SendingSchema())
@idempotent.documented
def pay_money_request(args: dict[str, Any], money_request_id: UUID) -> Response:
    """Pay what is asked, whole; with the link's code where it was asked by link."""
    refuse_when_off()
    principal = principals.current()
    paying = Paying(
        principal=principal.name,
        key=idempotent.key(),
        fingerprint=idempotent.fingerprint(),
        payer_id=principal.id,
        request_id=money_request_id,
        code=args["code"],
        approval_id=args["approval_id"],
    )
    return answers.command(
        lambda session: request_payments.pay(session, paying, now=clock.now()),
        show=_payment,
        schema=SendingSchema(),
        beside=approving.beside(paying.approval_id),
    )


@blueprint.put("/money-requests/<uuid:money_request_id>/status")
@blueprint.arguments(MoneyRequestStatusArgsSchema())
@blueprint.response(200, MoneyRequestSchema())
def put_money_request_status(args: dict[str, Any], money_request_id: UUID) -> dict[str, Any]:
    """Decline what one is asked, or cancel what one asked."""
    customer_id = principals.current().id
    with transaction() as session:
        if args["status"] == "declined":
            requests.decline(session, money_request_id, payer_id=customer_id, now=clock.now())
        else:
            requests.cancel(session, money_request_id, requester_id=customer_id, now=clock.now())
        return _shown(session, money_request_id)


def _shown(session: Session, money_request_id: UUID) -> dict[str, Any]:
    return _of(session, requests.find(session, money_request_id, customer_id=principals.current().id))


def _of(session: Session, request: MoneyRequest) -> dict[str, Any]:
    return shapes.requests(session, [request], principals.current().id)[0]


def _made(session: Session, money_request_id: UUID) -> dict[str, Any]:
    made = requests.find(session, money_request_id, customer_id=principals.current().id)
    return _of(session, made) | shapes.link_to(made, answers.brand().link_to_request)


def _payment(session: Session, sending_id: UUID) -> dict[str, Any]:
    customer_id = principals.current().id
    return shapes.sendings(session, [sendings.find(session, sending_id, customer_id=customer_id)], customer_id)[0]
