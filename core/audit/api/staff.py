"""Who did what, from where, and what changed."""

from typing import Any

from flask import Response
from flask_smorest import Blueprint

from core import audit, clock
from core.audit import chain, reading
from core.audit.api.schemas import AuditArgsSchema, AuditEntrySchema, AuditFilterSchema, AuditHeadSchema
from core.audit.reading import Asked
from core.db import connection_of, transaction
from core.tables import CONTENT_TYPE
from core.web import pages, principals
from core.web.doors import needs
from core.web.schemas import page_of

blueprint = Blueprint("audit", __name__, description="Who did what")


@blueprint.get("/audit")
@blueprint.arguments(AuditArgsSchema(), location="query")
@blueprint.response(200, page_of(AuditEntrySchema))
@needs("audit.read")
def list_audit(args: dict[str, Any]) -> dict[str, Any]:
    """Who did what, from where, and what changed, the latest first."""
    before, limit = pages.before(args.pop("cursor")), args.pop("limit")
    with transaction() as session:
        found = reading.page(session, Asked(**args), before=before, limit=limit + 1)
    return pages.page(found, limit, at=lambda entry: entry["id"])


@blueprint.get("/audit/head")
@blueprint.response(200, AuditHeadSchema())
@needs("audit.read")
def show_audit_head() -> dict[str, Any]:
    """The head of the chain that seals the log: kept elsewhere, it shows whether anything was changed since."""
    with transaction() as session:
        head = chain.head(connection_of(session))
    return {"number": head.number, "hash": head.hash.hex(), "head": str(head)}


@blueprint.get("/audit.csv")
@blueprint.arguments(AuditFilterSchema(), location="query")
@blueprint.response(200, content_type="text/csv", schema={"type": "string"})
@needs("audit.export")
def export_audit(args: dict[str, Any]) -> Response:
    """The same as a table for spreadsheets, all of it; that it was taken is kept in the log itself."""
    actor = principals.current().name
    asked_for = {name: str(value) for name, value in args.items() if value is not None}
    with transaction() as session:
        audit.record(session, actor=actor, action="audit.export", target="audit", change=asked_for, now=clock.now())
    response = Response(reading.table(Asked(**args)), content_type=CONTENT_TYPE)
    response.headers["Content-Disposition"] = 'attachment; filename="audit.csv"'
    response.headers["Cache-Control"] = "no-store"
    return response
