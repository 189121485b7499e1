"""What a merchant sees of a payment to it."""

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint

from core.db import connection_of, transaction
from wallet import receipts
from wallet.api.guards import merchant_id
from wallet.documents.api import shapes
from wallet.documents.api.schemas import ReceiptSchema

blueprint = Blueprint("wallet_documents_merchant", __name__, description="Payments with their parts")


@blueprint.get("/payments/<uuid:payment_id>")
@blueprint.response(200, ReceiptSchema(exclude=("parts.voucher_id",)))
def show_payment(payment_id: UUID) -> dict[str, Any]:
    """A payment to this merchant, with what each source gave to it and what has gone back."""
    with transaction() as session:
        return shapes.receipt(receipts.of_payment(connection_of(session), payment_id, merchant_id=merchant_id()))
