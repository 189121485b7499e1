"""Who I am, my devices, and the code that I show at a till."""

from typing import Any

from flask import Response, current_app
from flask_smorest import Blueprint
from sqlalchemy.orm import Session

from auth import birthdays, customer_codes, customers, devices, emails
from auth.api.schemas import (
    CustomerCodeSchema,
    DeviceSchema,
    EmailAskedSchema,
    EmailProofSchema,
    EmailSchema,
    MeChangeSchema,
    MeSchema,
)
from auth.customer_codes import ShownCode
from auth.errors import EmailLimited
from auth.models import Customer
from core import clock
from core.db import transaction
from core.web import pictures, principals

blueprint = Blueprint("auth_customer", __name__, description="The customer who is signed in")


@blueprint.get("/me")
@blueprint.response(200, MeSchema())
def me() -> dict[str, Any]:
    """Who is signed in."""
    with transaction() as session:
        return _told(session, customers.find(session, principals.current().id))


@blueprint.patch("/me")
@blueprint.arguments(MeChangeSchema())
@blueprint.response(200, MeSchema())
def change_me(args: dict[str, str | None]) -> dict[str, Any]:
    """Change the language to be written to in, the time zone whose nights are kept quiet, or the birthday."""
    with transaction() as session:
        return _told(session, customers.change(session, principals.current().id, changes=args, now=clock.now()))


@blueprint.put("/me/email")
@blueprint.arguments(EmailSchema())
@blueprint.response(202, EmailAskedSchema())
def put_email(args: dict[str, str]) -> dict[str, Any]:
    """Say which e-mail address is yours: a code is written there. The one proved before stays until it comes back."""
    now, brand_name = clock.now(), current_app.extensions["settings"].brand_name
    with transaction() as session:
        wait = emails.ask(session, principals.current().id, args["email"], brand_name=brand_name, now=now)
    if wait is not None:
        # Raised only now: what was counted has to be committed.
        refusal = EmailLimited()
        refusal.retry_after_seconds = wait
        raise refusal
    return {"expires_at": now + emails.CODE_TTL}


@blueprint.post("/me/email/proof")
@blueprint.arguments(EmailProofSchema())
@blueprint.response(200, MeSchema())
def prove_email(args: dict[str, str]) -> dict[str, Any]:
    """Send the code that was written to the address: from now on it is yours."""
    customer_id = principals.current().id
    with transaction() as session:
        refusal = emails.prove(session, customer_id, args["code"], now=clock.now())
        if refusal is None:
            return _told(session, customers.find(session, customer_id))
    raise refusal


@blueprint.delete("/me/email")
@blueprint.response(204)
def drop_email() -> None:
    """Take your e-mail address back: nothing is written to it any more."""
    with transaction() as session:
        emails.drop(session, principals.current().id, now=clock.now())


@blueprint.put("/devices")
@blueprint.arguments(DeviceSchema())
@blueprint.response(200, DeviceSchema())
def put_device(args: dict[str, Any]) -> dict[str, Any]:
    """Tell us of this installation, at each start and whenever its push token changes."""
    with transaction() as session:
        device = devices.put(session, customer_id=principals.current().id, **args, now=clock.now())
        return {**args, "can_push": device.push_token is not None, "seen_at": device.seen_at}


@blueprint.get("/code")
@blueprint.response(200, CustomerCodeSchema())
def show_code() -> tuple[ShownCode, dict[str, str]]:
    """The code to show at a till, as the text of a QR. It changes every 30 seconds and works once."""
    return _shown(), {"Cache-Control": "no-store"}


@blueprint.get("/code.png")
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="image/png")
def show_code_picture() -> Response:
    """The code to show at a till, drawn (an app that draws its own QR asks for /code)."""
    drawn = pictures.qr_png(_shown().text)
    response = Response(drawn, content_type="image/png")
    response.headers["Cache-Control"] = "no-store"
    return response


def _told(session: Session, customer: Customer) -> dict[str, Any]:
    return {
        "id": customer.id,
        "phone": customers.phone_of(session, customer.id),
        "locale": customer.locale,
        "time_zone": customer.time_zone,
        "email": emails.opened(session, customer.id, customer.email) if customer.email_verified_at else None,
        "birthday": birthdays.opened(session, customer),
        "created_at": customer.created_at,
    }


def _shown() -> ShownCode:
    with transaction() as session:
        return customer_codes.show(session, principals.current().id, now=clock.now())
