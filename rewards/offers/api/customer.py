"""What the app asks before it pays."""

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint
from sqlalchemy.orm import Session

from core import clock
from core.db import connection_of, transaction
from core.web import principals
from rewards.api import shapes as rewards_shapes
from rewards.offers import checking, qualifying
from rewards.offers.api import shapes
from rewards.offers.api.schemas import CheckSchema, QualificationArgsSchema, QualificationSchema
from rewards.offers.qualifying import Asked

blueprint = Blueprint("offers_customer", __name__, description="Which offers fit a basket")


@blueprint.post("/qualifications")
@blueprint.arguments(QualificationArgsSchema())
@blueprint.response(200, QualificationSchema())
def qualify(args: dict[str, Any]) -> dict[str, Any]:
    """Which offers fit this basket, this store, now, and which of my vouchers together take most off."""
    with transaction() as session:
        asked = _asked(session, args)
        connection = connection_of(session)
        return shapes.qualification(connection, qualifying.offers(connection, asked), asked)


@blueprint.post("/vouchers/<uuid:voucher_id>/checks")
@blueprint.arguments(QualificationArgsSchema())
@blueprint.response(200, CheckSchema())
def check_voucher(args: dict[str, Any], voucher_id: UUID) -> dict[str, Any]:
    """Whether my voucher would be taken for this basket, this store, now; if not, why. Nothing is used by it."""
    with transaction() as session:
        asked = _asked(session, args)
        return shapes.checked(checking.check_own(session, voucher_id, asked), asked.currency, for_owner=True)


def _asked(session: Session, args: dict[str, Any]) -> Asked:
    return Asked(
        basket=rewards_shapes.basket(args["basket"]),
        currency=args["currency"],
        at=clock.now(),
        customer_id=principals.current().id,
        till=checking.store_till(session, args["store_id"]),
    )
