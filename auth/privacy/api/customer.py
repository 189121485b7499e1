"""Export and erasure."""

from typing import Any
from uuid import UUID

from flask import Response, current_app
from flask_smorest import Blueprint

from auth.dpop import binding
from auth.privacy import erasing, exporting
from auth.privacy.api.schemas import ErasureArgsSchema, ErasureSchema, ExportSchema, ObjectionsSchema
from auth.privacy.models import PersonalExport
from auth.step_up import demands
from core import clock
from core.db import transaction
from core.web import principals

blueprint = Blueprint("privacy", __name__, description="Export and erasure")


@blueprint.post("/me/exports")
@blueprint.response(202, ExportSchema())
def ask_for_export() -> PersonalExport:
    """Have everything gathered that is held on me; needs a sign-in of the last five minutes."""
    principal, now = principals.current(), clock.now()
    binding.demand(principal, now)
    with transaction() as session:
        demands.demand(session, principal, now=now)
        return exporting.ask(session, principal.id, actor=principal.name, now=now)


@blueprint.get("/me/exports/<uuid:export_id>")
@blueprint.response(200, ExportSchema())
def show_export(export_id: UUID) -> PersonalExport:
    """Whether an export is ready."""
    with transaction() as session:
        return exporting.find(session, export_id, customer_id=principals.current().id, now=clock.now())


@blueprint.get("/me/exports/<uuid:export_id>/file")
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="application/json")
def download_export(export_id: UUID) -> Response:
    """The export as one JSON document; needs a sign-in of the last five minutes."""
    principal, now = principals.current(), clock.now()
    binding.demand(principal, now)
    with transaction() as session:
        export = exporting.find(session, export_id, customer_id=principal.id, now=now)
        demands.demand(session, principal, now=now)
        export = exporting.find(session, export_id, customer_id=principal.id, now=now, is_ready=True)
    response = Response(exporting.parts(export), content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Disposition"] = f'attachment; filename="export-{export_id}.json"'
    return response


@blueprint.get("/me/erasure/objections")
@blueprint.response(200, ObjectionsSchema())
def list_objections() -> dict[str, Any]:
    """What has to be settled before my account can be deleted, and what I would lose."""
    with transaction() as session:
        found = erasing.objections(session, principals.current().id, now=clock.now())
        return {"reasons": [erasing.told(reason) for reason in found]}


@blueprint.post("/me/erasure")
@blueprint.arguments(ErasureArgsSchema())
@blueprint.response(202, ErasureSchema())
def erase_account(args: dict[str, list[str]]) -> dict[str, Any]:
    """Delete my account for ever; needs a sign-in of the last five minutes. Every session ends with the answer."""
    principal, now = principals.current(), clock.now()
    binding.demand(principal, now)
    with transaction() as session:
        demands.demand(session, principal, now=now)
        erasure, token = erasing.ask(session, principal.id, forfeit=args["forfeit"], actor=principal.name, now=now)
    public_url = current_app.extensions["settings"].public_url.rstrip("/")
    return {"erasure_id": erasure.id, "receipt_url": f"{public_url}/erasures/{token}"}
