"""Receipts of erasures."""

from typing import Any

from flask_smorest import Blueprint

from auth.privacy import erasing
from auth.privacy.api.schemas import ReceiptSchema
from core.db import transaction

blueprint = Blueprint("receipts", __name__, description="Receipts of erasures")


@blueprint.get("/erasures/<token>")
@blueprint.response(200, ReceiptSchema(), headers={"Cache-Control": {"schema": {"type": "string"}}})
def show_receipt(token: str) -> tuple[dict[str, Any], int, dict[str, str]]:
    """How far the deletion of an account has come, and its receipt once it is done."""
    with transaction() as session:
        erasure = erasing.by_token(session, token)
    told = {
        "erasure_id": erasure.id,
        "status": erasure.state,
        "asked_at": erasure.asked_at,
        "done_at": erasure.done_at,
        "receipt": erasure.receipt,
    }
    return told, 200, {"Cache-Control": "no-store"}
