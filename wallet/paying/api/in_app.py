"""A payment in the app that takes more than one statement: by a code, out of several sources, or approved."""

from collections.abc import Sequence
from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from core import clock
from core.db import connection_of, transaction
from core.web import idempotent, principals
from wallet import payments
from wallet.api import approving
from wallet.api.schemas import PaymentSchema
from wallet.paying import app_payments
from wallet.paying.api import shapes
from wallet.paying.app_payments import AppPayment
from wallet.paying.splits import Source


def paid(args: dict[str, Any]) -> Response:
    """The answer to the app's POST /payments."""
    asked = _asked(args)

    def work(session: Session) -> dict[str, Any]:
        posted = app_payments.pay(session, asked)
        return payments.shown(posted.transfer_id, posted.effective_at, posted.details)

    return idempotent.command(work, schema=PaymentSchema(), beside=approving.beside(asked.approval_id))


def _asked(args: dict[str, Any]) -> AppPayment:
    principal, amount = principals.current(), args["amount"] or {}
    merchant_id = args.get("merchant_id")
    if "store_id" in args:
        with transaction() as session:
            merchant_id = payments.merchant_of_store(connection_of(session), args["store_id"])
    return AppPayment(
        principal=principal.name,
        key=idempotent.key(),
        fingerprint=idempotent.fingerprint(),
        customer_id=principal.id,
        code=args.get("code"),
        merchant_id=merchant_id,
        store_id=args.get("store_id"),
        amount_minor=amount.get("amount_minor"),
        currency=amount.get("currency"),
        tip_minor=args["tip_minor"],
        sources=_sources(args),
        reference=args["reference"],
        approval_id=args["approval_id"],
        at=clock.now(),
    )


def _sources(args: dict[str, Any]) -> Sequence[Source] | None:
    """Without a code, what names no sources is paid out of cash."""
    if args["sources"] is None and "code" not in args:
        return (Source(kind="cash"),)
    return shapes.sources(args["sources"])
