"""Codes that a customer makes theirs."""

from typing import Any

from flask import Response
from flask_smorest import Blueprint
from sqlalchemy.orm import Session

from core import clock
from core.web import idempotent, principals, unproxied
from rewards.api import shapes
from rewards.api.schemas import VoucherSchema
from rewards.vouchers import claims, holdings
from rewards.vouchers.api.schemas import VoucherClaimArgsSchema

blueprint = Blueprint("voucher_claims", __name__, description="Codes that customers claim")


@blueprint.post("/claims")
@blueprint.arguments(VoucherClaimArgsSchema())
@blueprint.response(201, VoucherSchema())
@idempotent.documented
def claim_voucher(args: dict[str, Any]) -> Response:
    """Put the voucher of a code into the wallet, as from a printed card, a poster or a friend's message."""
    customer_id, address, now = principals.current().id, unproxied.request().remote_addr, clock.now()

    def work(session: Session) -> dict[str, Any]:
        voucher_id = claims.attempt(session, code=args["code"], customer_id=customer_id, address=address, now=now)
        return shapes.voucher(holdings.find(session, customer_id, voucher_id, now=now))

    # Without its code, since the answer is kept in clear.
    return idempotent.command(work, schema=VoucherSchema())
