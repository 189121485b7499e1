"""What staff see of a customer's wallet, also as it was."""

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint
from sqlalchemy.orm import Session

from auth.models import Customer
from core.db import transaction
from core.errors import NotFound
from core.web.doors import needs
from core.web.schemas import page_of
from wallet import balances
from wallet.api import shapes as wallet_shapes
from wallet.api.schemas import WalletSchema
from wallet.documents.api import shapes
from wallet.documents.api.schemas import RecordedAsOfArgs, RecordedEntryArgs, RecordedEntrySchema
from wallet.documents.api.views import as_of

blueprint = Blueprint("wallet_documents_staff", __name__, description="Customers' wallets, also as they were")


@blueprint.get("/customers/<uuid:customer_id>/wallet")
@blueprint.arguments(RecordedAsOfArgs(), location="query")
@blueprint.response(200, WalletSchema())
@needs("wallets.read")
def show_customer_wallet(args: dict[str, Any], customer_id: UUID) -> dict[str, Any]:
    """What is in a customer's wallet, what was in it as of an instant, or what the ledger knew of that at another."""
    with transaction() as session:
        _must_exist(session, customer_id)
        if args["as_of"] is not None or args["as_recorded_at"] is not None:
            return as_of(session, customer_id, args)
        return wallet_shapes.wallet(balances.of_customer(session, customer_id))


@blueprint.get("/customers/<uuid:customer_id>/wallet/entries")
@blueprint.arguments(RecordedEntryArgs(), location="query")
@blueprint.response(200, page_of(RecordedEntrySchema))
@needs("wallets.read")
def list_customer_entries(args: dict[str, Any], customer_id: UUID) -> dict[str, Any]:
    """What happened in a customer's wallet, the latest first."""
    with transaction() as session:
        _must_exist(session, customer_id)
        return shapes.entries(session, f"customer:{customer_id}", args)


def _must_exist(session: Session, customer_id: UUID) -> None:
    """raises  NotFound"""
    if session.get(Customer, customer_id) is None:
        raise NotFound("There is no such customer")
