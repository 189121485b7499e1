"""Tills, as staff keep them."""

from typing import Any
from uuid import UUID

from flask import Response
from flask_smorest import Blueprint

from auth.models import Terminal
from auth.places import changing, finding, terminals
from auth.places.api.schemas import (
    RenameSchema,
    TerminalArgsSchema,
    TerminalPageArgs,
    TerminalSchema,
)
from core import clock
from core.db import transaction
from core.web import idempotent, listings, principals
from core.web.doors import needs
from core.web.schemas import page_of

blueprint = Blueprint("terminals_staff", __name__, description="Tills")


@blueprint.post("/stores/<uuid:store_id>/terminals")
@blueprint.arguments(TerminalArgsSchema())
@blueprint.response(201, TerminalSchema())
@idempotent.documented
@needs("terminals.write")
def add_terminal(args: dict[str, Any], store_id: UUID) -> Response:
    """Add a till whose public key you have; one that shows a code is enrolled by it instead."""
    actor, now = principals.current().name, clock.now()

    def add(session: Any) -> Terminal:
        added = terminals.add_terminal(session, store_id=store_id, now=now, **args)
        told = {"store_id": str(store_id), "name": added.name}
        changing.audited(session, added, "add", told, actor=actor, now=now)
        return added

    return idempotent.command(add, schema=TerminalSchema())


@blueprint.get("/terminals")
@blueprint.arguments(TerminalPageArgs(), location="query")
@blueprint.response(200, page_of(TerminalSchema))
@needs("merchants.read")
def list_terminals(args: dict[str, Any]) -> dict[str, Any]:
    """The tills, of a merchant or a store where that is asked for, the latest first."""
    asked = {name: args[name] for name in ("merchant_id", "store_id", "status")}
    with transaction() as session:
        return listings.page(
            args, lambda before, limit: finding.terminals_page(session, **asked, before=before, limit=limit)
        )


@blueprint.patch("/terminals/<uuid:terminal_id>")
@blueprint.arguments(RenameSchema())
@blueprint.response(200, TerminalSchema())
@needs("terminals.write")
def change_terminal(args: dict[str, Any], terminal_id: UUID) -> Terminal:
    """Rename a till."""
    with transaction() as session:
        return changing.change(
            session, Terminal, terminal_id, changes=args, actor=principals.current().name, now=clock.now()
        )
