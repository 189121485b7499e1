"""What a customer sees of their wallet: what is in it or was, what happened, statements, receipts."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from flask import Response, current_app
from flask_smorest import Blueprint

from core import clock
from core.db import connection_of, transaction
from core.web import principals
from core.web.schemas import page_of
from wallet import balances, months, receipts
from wallet.api import shapes as wallet_shapes
from wallet.api.schemas import EntrySchema, WalletSchema
from wallet.documents import csv, png, receipt, statement, svg
from wallet.documents.api import shapes
from wallet.documents.api.schemas import AsOfArgs, EntryArgs, MonthsSchema, ReceiptSchema
from wallet.documents.api.views import as_of
from wallet.months import Statement
from wallet.receipts import Receipt

blueprint = Blueprint("wallet_documents_customer", __name__, description="Statements and receipts")

_BINARY = {"type": "string", "format": "binary"}


@blueprint.get("/wallet")
@blueprint.arguments(AsOfArgs(), location="query")
@blueprint.response(200, WalletSchema())
def show_wallet(args: dict[str, Any]) -> dict[str, Any]:
    """What is in the wallet, or what was in it as of an instant."""
    customer_id = principals.current().id
    with transaction() as session:
        if args["as_of"] is not None:
            return as_of(session, customer_id, args)
        return wallet_shapes.wallet(balances.of_customer(session, customer_id))


@blueprint.get("/wallet/entries")
@blueprint.arguments(EntryArgs(), location="query")
@blueprint.response(200, page_of(EntrySchema))
def list_entries(args: dict[str, Any]) -> dict[str, Any]:
    """The statement, latest first: all of it, or what is looked for."""
    with transaction() as session:
        return shapes.entries(session, principals.current().name, args)


@blueprint.get("/wallet/statements")
@blueprint.response(200, MonthsSchema())
def list_statements() -> dict[str, Any]:
    """The months that have a statement, the latest first."""
    zone, now = current_app.extensions["settings"].time_zone, clock.now()
    with transaction() as session:
        found = months.of_customer(session, principals.current().id, zone=zone, now=now)
    return {"items": [shapes.month(each, months.month_of(now, zone)) for each in found]}


@blueprint.get("/wallet/statements/<string:month>.pdf")
@blueprint.response(200, _BINARY, content_type="application/pdf")
def show_statement(month: str) -> Response:
    """A month's statement to read and print; send If-None-Match. Numbers and dates follow Accept-Language."""
    found, words, house = _statement(month, statement.MOST_ON_PAGES), shapes.words(), shapes.house()
    return shapes.document(
        lambda: statement.as_pdf(found, words, house), content_type="application/pdf",
        name=f"statement-{found.month.name}.pdf", of=replace(found, until=None), written=words, by=house,
    )  # fmt: skip


@blueprint.get("/wallet/statements/<string:month>.csv")
@blueprint.response(200, _BINARY, content_type="text/csv")
def show_statement_table(month: str) -> Response:
    """A month's statement as a table for spreadsheets; send If-None-Match."""
    found = _statement(month, statement.MOST_IN_TABLE)
    return shapes.document(
        lambda: statement.as_csv(found), content_type=csv.CONTENT_TYPE, name=f"statement-{found.month.name}.csv",
        of=replace(found, until=None), written=shapes.words(), by=shapes.house(),
    )  # fmt: skip


@blueprint.get("/payments/<uuid:payment_id>")
@blueprint.response(200, ReceiptSchema())
def show_payment(payment_id: UUID) -> dict[str, Any]:
    """A payment with what each source gave to it, and what has gone back."""
    return shapes.receipt(_receipt(payment_id))


@blueprint.get("/payments/<uuid:payment_id>/receipt.pdf")
@blueprint.response(200, _BINARY, content_type="application/pdf")
def show_receipt(payment_id: UUID) -> Response:
    """A payment's receipt to keep or print, with a picture of its parts."""
    return _drawn(payment_id, receipt.as_pdf, "application/pdf", "pdf")


@blueprint.get("/payments/<uuid:payment_id>/receipt.svg")
@blueprint.response(200, _BINARY, content_type=svg.CONTENT_TYPE)
def show_receipt_drawing(payment_id: UUID) -> Response:
    """A payment's receipt as a picture of any size."""
    return _drawn(payment_id, receipt.as_svg, svg.CONTENT_TYPE, "svg")


@blueprint.get("/payments/<uuid:payment_id>/receipt.png")
@blueprint.response(200, _BINARY, content_type=png.CONTENT_TYPE)
def show_receipt_picture(payment_id: UUID) -> Response:
    """A payment's receipt as a picture, 1280 wide."""
    return _drawn(payment_id, receipt.as_png, png.CONTENT_TYPE, "png")


def _statement(month: str, most_lines: int) -> Statement:
    zone = current_app.extensions["settings"].time_zone
    with transaction() as session:
        return months.statement(
            session,
            principals.current().id,
            month=months.named(month),
            most_lines=most_lines,
            zone=zone,
            now=clock.now(),
        )


def _receipt(payment_id: UUID) -> Receipt:
    with transaction() as session:
        return receipts.of_payment(connection_of(session), payment_id, customer_id=principals.current().id)


def _drawn(payment_id: UUID, draw: Any, content_type: str, suffix: str) -> Response:
    found, words, house = _receipt(payment_id), shapes.words(), shapes.house()
    return shapes.document(
        lambda: draw(found, words, house), content_type=content_type, name=f"receipt-{payment_id}.{suffix}", of=found,
        written=words, by=house,
    )  # fmt: skip
