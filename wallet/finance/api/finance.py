"""What finance staff read and sign: the trial balance, provider reports, the safeguarding reconciliation."""

from typing import Any
from uuid import UUID

from flask import Response, request
from flask_smorest import Blueprint

from core import clock
from core.db import connection_of, transaction
from core.web import idempotent, pages, principals
from core.web.doors import needs
from core.web.schemas import PageArgs, page_of
from wallet.errors import InstantInFuture
from wallet.finance import (
    provider_postings,
    provider_reports,
    report_files,
    safeguarding,
    safeguarding_reports,
    trial_balance,
)
from wallet.finance.api import shapes
from wallet.finance.api.schemas import (
    DifferenceSchema,
    ImportArgsSchema,
    PostingsSchema,
    ProviderReportSchema,
    ReconciliationArgsSchema,
    SafeguardingReportSchema,
    SignOffArgsSchema,
    TrialBalanceArgsSchema,
    TrialBalanceSchema,
)
from wallet.finance.errors import ReportMediaUnknown
from wallet.finance.report_files import Form

blueprint = Blueprint("finance_staff", __name__, description="The books, and what stands behind them")

_FORMS: dict[str, Form] = {
    "text/csv": "csv",
    "application/jsonl": "jsonl",
    "application/x-ndjson": "jsonl",
    "application/jsonlines": "jsonl",
}


@blueprint.get("/finance/trial-balance")
@blueprint.arguments(TrialBalanceArgsSchema(), location="query")
@blueprint.response(200, TrialBalanceSchema())
@needs("finance.read")
def show_trial_balance(args: dict[str, Any]) -> dict[str, Any]:
    """What stands on the accounts of each class, now or as of a business instant."""
    at, asset = args["as_of"], args["currency"]
    if at and at > clock.now():
        raise InstantInFuture
    with transaction() as session:
        connection = connection_of(session)
        found = trial_balance.as_of(connection, at, asset=asset) if at else trial_balance.now(connection, asset=asset)
    return {"as_of": at or clock.now(), "items": found}


@blueprint.post("/finance/provider-reports")
@blueprint.arguments(ImportArgsSchema(), location="query")
@blueprint.response(201, ProviderReportSchema())
@blueprint.doc(
    requestBody={
        "required": True,
        "content": {name: {"schema": {"type": "string"}} for name in ("text/csv", "application/jsonl")},
    }
)
@needs("finance.import")
def import_provider_report(args: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """Import the payment provider's report of our account with it, as CSV or JSON lines

    The same file under the same reference again answers 200 and changes nothing.
    """
    form = _FORMS.get(request.mimetype)
    if form is None:
        raise ReportMediaUnknown
    request.max_content_length = report_files.MAX_BYTES
    file = report_files.read(request.get_data(), form)
    imported = provider_reports.import_(
        file, reference=args["reference"], actor=principals.current().name, now=clock.now()
    )
    return shapes.provider_report(imported.report, imported.balances), 200 if imported.replayed else 201


@blueprint.get("/finance/provider-reports")
@blueprint.arguments(PageArgs(), location="query")
@blueprint.response(200, page_of(ProviderReportSchema))
@needs("finance.read")
def list_provider_reports(args: dict[str, Any]) -> dict[str, Any]:
    """The imported reports, the latest first."""
    before = pages.before(args["cursor"])
    with transaction() as session:
        found = provider_reports.page(session, before=before, limit=args["limit"] + 1)
        balances = provider_reports.balances_of(session, [each.id for each in found])
    return pages.page(found, args["limit"], lambda each: shapes.provider_report(each, balances))


@blueprint.get("/finance/provider-reports/<uuid:report_id>")
@blueprint.response(200, ProviderReportSchema())
@needs("finance.read")
def show_provider_report(report_id: UUID) -> dict[str, Any]:
    """An imported report."""
    with transaction() as session:
        found = provider_reports.find(session, report_id)
    return shapes.provider_report(found.report, found.balances)


@blueprint.post("/finance/provider-reports/<uuid:report_id>/postings")
@blueprint.response(201, PostingsSchema())
@needs("finance.book")
@idempotent.documented
def book_provider_report(report_id: UUID) -> Response:
    """Book a report's fees and payouts; what was booked before is told again."""
    actor, now = principals.current().name, clock.now()
    return idempotent.command(
        lambda session: shapes.postings(provider_postings.book(session, report_id, actor=actor, now=now)),
        schema=PostingsSchema(),
    )


@blueprint.post("/finance/safeguarding-reports")
@blueprint.arguments(ReconciliationArgsSchema())
@blueprint.response(201, SafeguardingReportSchema())
@needs("finance.reconcile")
def run_safeguarding(args: dict[str, Any]) -> dict[str, Any]:
    """Reconcile a day once more; earlier runs of it are kept."""
    with transaction() as session:
        found = safeguarding.reconcile(session, day=args["day"], actor=principals.current().name, now=clock.now())
    return shapes.reconciliation(found)


@blueprint.get("/finance/safeguarding-reports")
@blueprint.arguments(PageArgs(), location="query")
@blueprint.response(200, page_of(SafeguardingReportSchema))
@needs("finance.read")
def list_safeguarding(args: dict[str, Any]) -> dict[str, Any]:
    """The reconciliations, the latest run first."""
    before = pages.before(args["cursor"])
    with transaction() as session:
        found = safeguarding_reports.page(session, before=before, limit=args["limit"] + 1)
    return pages.page(found, args["limit"], shapes.reconciliation, at=lambda each: each.report.id)


@blueprint.get("/finance/safeguarding-reports/<uuid:report_id>")
@blueprint.response(200, SafeguardingReportSchema())
@needs("finance.read")
def show_safeguarding(report_id: UUID) -> dict[str, Any]:
    """One reconciliation: what customers were owed, what was held, and who signed it off."""
    with transaction() as session:
        return shapes.reconciliation(safeguarding_reports.find(session, report_id))


@blueprint.get("/finance/safeguarding-reports/<uuid:report_id>/differences")
@blueprint.arguments(PageArgs(), location="query")
@blueprint.response(200, page_of(DifferenceSchema))
@needs("finance.read")
def list_differences(args: dict[str, Any], report_id: UUID) -> dict[str, Any]:
    """Where our books and the provider's report differ, line by line."""
    after = pages.place(args["cursor"], int)
    with transaction() as session:
        safeguarding_reports.find(session, report_id)
        found = safeguarding_reports.differences(session, report_id, after=after, limit=args["limit"] + 1)
    return pages.page(found, args["limit"], at=lambda each: each.position)


@blueprint.put("/finance/safeguarding-reports/<uuid:report_id>/sign-off")
@blueprint.arguments(SignOffArgsSchema())
@blueprint.response(200, SafeguardingReportSchema())
@needs("finance.sign_off")
def sign_safeguarding_off(args: dict[str, Any], report_id: UUID) -> dict[str, Any]:
    """Answer for a reconciliation, in your own words."""
    with transaction() as session:
        found = safeguarding_reports.sign_off(
            session, report_id, reason=args["reason"], actor=principals.current().name, now=clock.now()
        )
        return shapes.reconciliation(found)
