"""What finance staff do for merchants: terms, bank accounts, settlements, payout files."""

from typing import Any
from uuid import UUID

from flask import Response, current_app
from flask_smorest import Blueprint

from core import clock
from core.db import transaction
from core.web import idempotent, pages, principals
from core.web.doors import needs
from core.web.schemas import PageArgs, page_of
from wallet.documents import csv
from wallet.finance import bank_accounts, merchant_terms, pain001, payout_files, settlement_rows, settlements
from wallet.finance.api import settlement_shapes
from wallet.finance.api.movement_schemas import DecisionArgsSchema
from wallet.finance.api.settlement_schemas import (
    BankAccountArgsSchema,
    BankAccountQuerySchema,
    BankAccountSchema,
    MerchantSettlementSchema,
    PayoutFileArgsSchema,
    PayoutFileSchema,
    RunSchema,
    SettlementArgsSchema,
    SettlementPageArgs,
    TermsArgsSchema,
    TermsHistorySchema,
)
from wallet.finance.bank_accounts import BankAccount
from wallet.finance.settlement_rows import Closed

blueprint = Blueprint("settlements_staff", __name__, description="What merchants earn, are charged and are paid")

_BINARY = {"type": "string", "format": "binary"}


@blueprint.put("/merchants/<uuid:merchant_id>/terms")
@blueprint.arguments(TermsArgsSchema())
@blueprint.response(200, TermsHistorySchema())
@needs("finance.terms")
def set_terms(args: dict[str, Any], merchant_id: UUID) -> dict[str, Any]:
    """Set what a merchant pays for each payment from now on."""
    with transaction() as session:
        merchant_terms.set_(session, merchant_id=merchant_id, actor=principals.current().name, now=clock.now(), **args)
        return {"items": merchant_terms.history(session, merchant_id)}


@blueprint.get("/merchants/<uuid:merchant_id>/terms")
@blueprint.response(200, TermsHistorySchema())
@needs("finance.read")
def show_terms(merchant_id: UUID) -> dict[str, Any]:
    """A merchant's terms with their history."""
    with transaction() as session:
        return {"items": merchant_terms.history(session, merchant_id)}


@blueprint.put("/merchants/<uuid:merchant_id>/bank-account")
@blueprint.arguments(BankAccountArgsSchema())
@blueprint.response(200, BankAccountSchema())
@needs("finance.bank")
def set_bank_account(args: dict[str, Any], merchant_id: UUID) -> dict[str, Any]:
    """Set where a merchant is paid, once a second person agrees."""
    currency, now = args.pop("currency"), clock.now()
    with transaction() as session:
        kept = bank_accounts.set_(
            session,
            merchant_id=merchant_id,
            currency=currency,
            account=BankAccount(**args),
            actor=principals.current().name,
            now=now,
        )
        return settlement_shapes.bank_account(kept, now=now)


@blueprint.get("/merchants/<uuid:merchant_id>/bank-account")
@blueprint.arguments(BankAccountQuerySchema(), location="query")
@blueprint.response(200, BankAccountSchema())
@needs("finance.read")
def show_bank_account(args: dict[str, Any], merchant_id: UUID) -> dict[str, Any]:
    """Where a merchant is paid, or is to be, without the number."""
    find = bank_accounts.holding if args["which"] == "holding" else bank_accounts.asked_last
    with transaction() as session:
        return settlement_shapes.bank_account(find(session, merchant_id, args["currency"]), now=clock.now())


@blueprint.put("/bank-accounts/<uuid:bank_account_id>/decision")
@blueprint.arguments(DecisionArgsSchema())
@blueprint.response(200, BankAccountSchema())
@needs("finance.bank_approve")
def decide_bank_account(args: dict[str, Any], bank_account_id: UUID) -> dict[str, Any]:
    """Agree to a merchant's bank account that another person set, or refuse it."""
    now = clock.now()
    with transaction() as session:
        kept = bank_accounts.decide(session, bank_account_id, **args, decided_by=principals.current().name, now=now)
        return settlement_shapes.bank_account(kept, now=now)


@blueprint.post("/settlements")
@blueprint.arguments(SettlementArgsSchema())
@blueprint.response(201, RunSchema())
@needs("finance.settle")
@idempotent.documented
def close_settlements(args: dict[str, Any]) -> Response:
    """Settle one merchant or all of them up to an instant: take the fees, and pay the rest out."""
    actor, now = principals.current().name, clock.now()
    return idempotent.command(
        lambda session: settlement_shapes.run(settlements.close(session, actor=actor, now=now, **args)),
        schema=RunSchema(),
    )


@blueprint.get("/settlements")
@blueprint.arguments(SettlementPageArgs(), location="query")
@blueprint.response(200, page_of(MerchantSettlementSchema))
@needs("finance.read")
def list_settlements(args: dict[str, Any]) -> dict[str, Any]:
    """Settlements of one merchant or of all, the latest first."""
    before = pages.before(args["cursor"])
    with transaction() as session:
        found = settlement_rows.page(session, merchant_id=args["merchant_id"], before=before, limit=args["limit"] + 1)
    return pages.page(found, args["limit"], settlement_shapes.settlement, at=lambda each: each.row.id)


@blueprint.get("/settlements/<uuid:settlement_id>")
@blueprint.response(200, MerchantSettlementSchema())
@needs("finance.read")
def show_settlement(settlement_id: UUID) -> dict[str, Any]:
    """A settlement with who paid what of it."""
    return settlement_shapes.settlement(_found(settlement_id))


@blueprint.get("/settlements/<uuid:settlement_id>/statement.csv")
@blueprint.response(200, _BINARY, content_type="text/csv")
@needs("finance.read")
def show_statement_table(settlement_id: UUID) -> Response:
    """A settlement's statement as a table, each payment with its fee."""
    return settlement_shapes.statement_csv(_found(settlement_id))


@blueprint.get("/settlements/<uuid:settlement_id>/statement.pdf")
@blueprint.response(200, _BINARY, content_type="application/pdf")
@needs("finance.read")
def show_statement(settlement_id: UUID) -> Response:
    """A settlement's statement to read and print."""
    return settlement_shapes.statement_pdf(_found(settlement_id))


@blueprint.post("/payout-files")
@blueprint.arguments(PayoutFileArgsSchema())
@blueprint.response(201, PayoutFileSchema())
@needs("finance.pay_out")
@idempotent.documented
def make_payout_file(args: dict[str, Any]) -> Response:
    """Put the payouts that wait in one currency into a file for the bank."""
    actor, now = principals.current().name, clock.now()
    return idempotent.command(
        lambda session: settlement_shapes.made(
            payout_files.make(session, currency=args["currency"], actor=actor, now=now)
        ),
        schema=PayoutFileSchema(),
    )


@blueprint.get("/payout-files")
@blueprint.arguments(PageArgs(), location="query")
@blueprint.response(200, page_of(PayoutFileSchema))
@needs("finance.read")
def list_payout_files(args: dict[str, Any]) -> dict[str, Any]:
    """The payout files, the latest first."""
    before = pages.before(args["cursor"])
    with transaction() as session:
        found = payout_files.page(session, before=before, limit=args["limit"] + 1)
    return pages.page(found, args["limit"], settlement_shapes.payout_file)


@blueprint.get("/payout-files/<uuid:file_id>/file.xml")
@blueprint.response(200, _BINARY, content_type=pain001.CONTENT_TYPE)
@needs("finance.pay_out")
def show_payout_xml(file_id: UUID) -> Response:
    """A payout file for the bank: ISO 20022 pain.001.001.09."""
    debtor = bank_accounts.of_brand(current_app.extensions["settings"])
    with transaction() as session:
        file = payout_files.find(session, file_id)
        lines = payout_files.lines(session, file, actor=principals.current().name, now=clock.now())
    return Response(
        pain001.as_xml(file, lines, debtor),
        content_type=pain001.CONTENT_TYPE,
        headers=settlement_shapes.attachment(f"payouts-{file_id}.xml"),
    )


@blueprint.get("/payout-files/<uuid:file_id>/file.csv")
@blueprint.response(200, _BINARY, content_type="text/csv")
@needs("finance.pay_out")
def show_payout_table(file_id: UUID) -> Response:
    """A payout file as a table."""
    with transaction() as session:
        file = payout_files.find(session, file_id)
        lines = payout_files.lines(session, file, actor=principals.current().name, now=clock.now())
    return Response(
        pain001.as_csv(file, lines),
        content_type=csv.CONTENT_TYPE,
        headers=settlement_shapes.attachment(f"payouts-{file_id}.csv"),
    )


def _found(settlement_id: UUID) -> Closed:
    with transaction() as session:
        return settlement_rows.find(session, settlement_id)
