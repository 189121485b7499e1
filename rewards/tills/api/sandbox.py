"""What a till in a sandbox may ask beside all that a till may: what no phone shows it there."""

from typing import Any

from flask import Response
from flask_smorest import Blueprint
from sqlalchemy.orm import Session

from auth import customer_codes
from auth.customer_codes import ShownCode
from core import clock
from core.db import transaction
from core.money import SANDBOX
from core.web import idempotent
from rewards.tills.api.sandbox_schemas import (
    SandboxCodeSchema,
    SandboxPaymentArgsSchema,
    SandboxSchema,
    SandboxTopupArgsSchema,
    SandboxTopupSchema,
    SandboxVoucherArgsSchema,
    SandboxVoucherSchema,
)
from rewards.tills.models import Sandbox
from rewards.tills.sandbox import money, places, vouchers
from rewards.tills.sandbox.scenarios import SCENARIOS
from wallet import payments
from wallet.api.guards import refuse_when_off
from wallet.api.schemas import PaymentSchema
from wallet.paying import app_payments
from wallet.paying.api.shapes import till
from wallet.paying.app_payments import AppPayment

blueprint = Blueprint("sandbox_merchant", __name__, description="A sandbox's customers and vouchers")


@blueprint.get("/sandbox")
@blueprint.response(200, SandboxSchema())
def show_sandbox() -> dict[str, Any]:
    """Who is in this sandbox, with how much, and which vouchers can be asked for."""
    with transaction() as session:
        return _shown(session, _mine(session))


@blueprint.get("/sandbox/customers/<name>/code")
@blueprint.response(200, SandboxCodeSchema())
def show_sandbox_code(name: str) -> tuple[dict[str, Any], dict[str, str]]:
    """The rotating code that this customer's app would show just now; the next one after each that was taken."""
    now = clock.now()
    with transaction() as session:
        customer_id = money.customer_of(_mine(session), name)
        # A person waits until a third code within a step is good; a test need not.
        if customer_codes.is_ahead(session, customer_id, now=now):
            customer_codes.renew(session, customer_id)
        return _code(customer_codes.show(session, customer_id, now=now)), {"Cache-Control": "no-store"}


@blueprint.post("/sandbox/vouchers")
@blueprint.arguments(SandboxVoucherArgsSchema())
@blueprint.response(201, SandboxVoucherSchema())
def create_sandbox_voucher(args: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """A fresh voucher for a scenario: each time another one."""
    with transaction() as session:
        given = vouchers.give(session, _mine(session), **args, now=clock.now())
    answer = {
        "name": given.name,
        "answer": given.scenario.answer,
        "note": given.scenario.note,
        "code": given.code,
        "voucher_id": given.voucher_id,
        "expires_at": given.expires_at,
    }
    return answer, {"Cache-Control": "no-store"}


@blueprint.post("/sandbox/top-ups")
@blueprint.arguments(SandboxTopupArgsSchema())
@blueprint.response(201, SandboxTopupSchema())
@idempotent.documented
def top_up_sandbox(args: dict[str, Any]) -> Response:
    """Give a customer of the sandbox more to spend."""
    key, now = idempotent.key(), clock.now()

    def work(session: Session) -> dict[str, Any]:
        sandbox = _mine(session)
        has = money.top_up(
            session, sandbox, args["customer"], args["amount_minor"], key=f"{till().terminal_id}:{key}", now=now
        )
        return {"customer": args["customer"], "available": _money(has)}

    return idempotent.command(work, schema=SandboxTopupSchema())


@blueprint.post("/sandbox/app-payments")
@blueprint.arguments(SandboxPaymentArgsSchema())
@blueprint.response(201, PaymentSchema())
@idempotent.documented
def pay_in_sandbox(args: dict[str, Any]) -> Response:
    """Pay as the customer's app would who has scanned the code of a basket or of the store."""
    refuse_when_off()
    asking, key, fingerprint, now = till(), idempotent.key(), idempotent.fingerprint(), clock.now()

    def work(session: Session) -> dict[str, Any]:
        customer_id = money.customer_of(_mine(session), args["customer"])
        asked = AppPayment(
            principal=f"sandbox:{asking.terminal_id}",
            key=key,
            fingerprint=fingerprint,
            customer_id=customer_id,
            code=args["code"],
            amount_minor=args["amount_minor"],
            tip_minor=args["tip_minor"],
            at=now,
        )
        posted = app_payments.pay(session, asked)
        return payments.shown(posted.transfer_id, posted.effective_at, posted.details)

    return idempotent.command(work, schema=PaymentSchema())


@blueprint.put("/sandbox/reset")
@blueprint.response(200, SandboxSchema())
def reset_sandbox() -> dict[str, Any]:
    """Let each customer have what they began with."""
    with transaction() as session:
        sandbox = _mine(session)
        money.reset(session, sandbox, now=clock.now())
        return _shown(session, sandbox)


def _mine(session: Session) -> Sandbox:
    """raises  SandboxOnly for a real till"""
    return places.of(session, till().merchant_id)


def _shown(session: Session, sandbox: Sandbox) -> dict[str, Any]:
    has = money.balances(session, sandbox)
    return {
        "merchant_id": sandbox.merchant_id,
        "store_id": sandbox.store_id,
        "terminal_id": sandbox.terminal_id,
        "customers": [
            {"name": name, "id": sandbox.customers[name], "available": _money(has[name])} for name in money.CUSTOMERS
        ],
        "scenarios": [{"name": name, "answer": each.answer, "note": each.note} for name, each in SCENARIOS.items()],
    }


def _code(shown: ShownCode) -> dict[str, Any]:
    return {"customer_code": shown.text, "expires_at": shown.expires_at, "seconds_left": shown.seconds_left}


def _money(amount_minor: int) -> dict[str, Any]:
    return {"amount_minor": amount_minor, "currency": SANDBOX}
