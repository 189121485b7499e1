"""A merchant's settlements, at the merchant's own door."""

from typing import Any
from uuid import UUID

from flask import Response
from flask_smorest import Blueprint

from core.db import transaction
from core.web import pages
from core.web.schemas import PageArgs, page_of
from wallet.api.guards import merchant_id
from wallet.finance import settlement_rows
from wallet.finance.api import settlement_shapes
from wallet.finance.api.settlement_schemas import MerchantSettlementSchema
from wallet.finance.settlement_rows import Closed

blueprint = Blueprint("settlements_merchant", __name__, description="What was earned, charged and paid out")

_BINARY = {"type": "string", "format": "binary"}


@blueprint.get("/settlements")
@blueprint.arguments(PageArgs(), location="query")
@blueprint.response(200, page_of(MerchantSettlementSchema))
def list_settlements(args: dict[str, Any]) -> dict[str, Any]:
    """This merchant's settlements, the latest first."""
    before = pages.before(args["cursor"])
    with transaction() as session:
        found = settlement_rows.page(session, merchant_id=merchant_id(), before=before, limit=args["limit"] + 1)
    return pages.page(found, args["limit"], settlement_shapes.settlement, at=lambda each: each.row.id)


@blueprint.get("/settlements/<uuid:settlement_id>")
@blueprint.response(200, MerchantSettlementSchema())
def show_settlement(settlement_id: UUID) -> dict[str, Any]:
    """A settlement with who paid what of it."""
    return settlement_shapes.settlement(_own(settlement_id))


@blueprint.get("/settlements/<uuid:settlement_id>/statement.csv")
@blueprint.response(200, _BINARY, content_type="text/csv")
def show_statement_table(settlement_id: UUID) -> Response:
    """A settlement's statement as a table, each payment with its fee."""
    return settlement_shapes.statement_csv(_own(settlement_id))


@blueprint.get("/settlements/<uuid:settlement_id>/statement.pdf")
@blueprint.response(200, _BINARY, content_type="application/pdf")
def show_statement(settlement_id: UUID) -> Response:
    """A settlement's statement to read and print. Numbers and dates follow Accept-Language."""
    return settlement_shapes.statement_pdf(_own(settlement_id))


def _own(settlement_id: UUID) -> Closed:
    with transaction() as session:
        return settlement_rows.find(session, settlement_id, merchant_id=merchant_id())
