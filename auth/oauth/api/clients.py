"""The apps and partners that may sign customers in."""

from typing import Any

from flask import current_app
from flask_smorest import Blueprint

from auth.oauth import registering
from auth.oauth.api.client_schemas import (
    ClientChangesSchema,
    ClientSchema,
    ClientStatusSchema,
    MadeClientSchema,
    NewClientSchema,
)
from core import clock
from core.db import transaction
from core.web import principals
from core.web.doors import needs
from core.web.schemas import PageArgs, decode_cursor, encode_cursor, page_of

blueprint = Blueprint("clients", __name__, description="The apps and partners that may sign customers in")

_TOLD_ONCE = {"Cache-Control": "no-store"}


@blueprint.post("/clients")
@blueprint.arguments(NewClientSchema())
@blueprint.response(201, MadeClientSchema())
@needs("clients.write")
def add_client(body: dict[str, Any]) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Register an app of the brand or a partner

    The secret of one that has one is told only now.
    """
    actor, now = principals.current().name, clock.now()
    with transaction() as session:
        row, secret = registering.add(session, given=body, made_by=actor, may_be_local=_may_be_local(), now=now)
    return {**registering.shown(row), **({"client_secret": secret} if secret else {})}, 201, _TOLD_ONCE


@blueprint.get("/clients")
@blueprint.arguments(PageArgs(), location="query")
@blueprint.response(200, page_of(ClientSchema))
@needs("clients.read")
def list_clients(args: dict[str, Any]) -> dict[str, Any]:
    """Who may sign customers or staff in, in the order of their ids."""
    position = decode_cursor(args["cursor"], str)
    with transaction() as session:
        found = registering.page(session, after=position[0] if position else None, limit=args["limit"] + 1)
    items = found[: args["limit"]]
    return {
        "items": [registering.shown(row) for row in items],
        "next_cursor": encode_cursor(items[-1].client_id) if len(found) > len(items) else None,
    }


@blueprint.get("/clients/<client_id>")
@blueprint.response(200, ClientSchema())
@needs("clients.read")
def show_client(client_id: str) -> dict[str, Any]:
    """One of them."""
    with transaction() as session:
        return registering.shown(registering.find(session, client_id))


@blueprint.patch("/clients/<client_id>")
@blueprint.arguments(ClientChangesSchema())
@blueprint.response(200, ClientSchema())
@needs("clients.write")
def change_client(body: dict[str, Any], client_id: str) -> dict[str, Any]:
    """Change what a client may and where it sits; known everywhere within five seconds."""
    actor, now = principals.current().name, clock.now()
    with transaction() as session:
        row = registering.change(session, client_id, changes=body, by=actor, may_be_local=_may_be_local(), now=now)
        return registering.shown(row)


@blueprint.post("/clients/<client_id>/secrets")
@blueprint.response(201, MadeClientSchema())
@needs("clients.write")
def renew_secret(client_id: str) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Give a client another secret

    It is told only now; the former one works for seven days more.
    """
    actor, now = principals.current().name, clock.now()
    with transaction() as session:
        row, secret = registering.renew_secret(session, client_id, by=actor, now=now)
        return {**registering.shown(row), "client_secret": secret}, 201, _TOLD_ONCE


@blueprint.put("/clients/<client_id>/status")
@blueprint.arguments(ClientStatusSchema())
@blueprint.response(200, ClientSchema())
@needs("clients.write")
def set_client_status(body: dict[str, str], client_id: str) -> dict[str, Any]:
    """Suspend a client, or let it in again

    Its tokens are refused everywhere within a second.
    """
    actor, now = principals.current().name, clock.now()
    with transaction() as session:
        return registering.shown(registering.set_status(session, client_id, body["status"], by=actor, now=now))


def _may_be_local() -> bool:
    return not current_app.extensions["settings"].is_production
