"""What an app does so that its customer can use vouchers where there is no network."""

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint

from core import clock
from core.db import transaction
from core.web import principals
from rewards.offline import issuing, phone_keys
from rewards.offline.api import shapes
from rewards.offline.api.schemas import OfflineKeyArgsSchema, OfflineKeySchema, OfflineTokenSchema
from rewards.offline.issuing import Issued
from rewards.offline.models import OfflineKey
from wallet.api.guards import refuse_when_off

blueprint = Blueprint("offline_customer", __name__, description="Vouchers where there is no network")


@blueprint.put("/offline-key")
@blueprint.arguments(OfflineKeyArgsSchema())
@blueprint.response(200, OfflineKeySchema())
def put_offline_key(args: dict[str, Any]) -> OfflineKey:
    """Register this phone's key, with a proof that it holds the private one, in place of any phone before it."""
    with transaction() as session:
        return phone_keys.register(session, customer_id=principals.current().id, **args, now=clock.now())


@blueprint.post("/vouchers/<uuid:voucher_id>/offline-tokens")
@blueprint.response(201, OfflineTokenSchema())
def create_offline_token(voucher_id: UUID) -> Issued:
    """A token by which this phone shows the voucher offline; the same one again while it lives."""
    refuse_when_off()
    with transaction() as session:
        return issuing.issue(
            session,
            customer_id=principals.current().id,
            voucher_id=voucher_id,
            signer=shapes.signer(),
            policy=shapes.policy(),
            now=clock.now(),
        )
