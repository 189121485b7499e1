"""Sandboxes for integrators, as staff make them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Response
from flask_smorest import Blueprint

from core import clock
from core.db import transaction
from core.web import idempotent, pages, principals
from core.web.doors import needs
from core.web.schemas import PageArgs, page_of
from rewards.tills.api.sandbox_schemas import SandboxArgsSchema, SandboxPlaceSchema, SandboxTokenSchema
from rewards.tills.sandbox import places, tokens
from rewards.tills.sandbox.places import Wish

blueprint = Blueprint("tills_staff", __name__, description="Sandboxes for integrators of tills")


@blueprint.post("/sandbox-merchants")
@blueprint.arguments(SandboxArgsSchema())
@blueprint.response(201, SandboxPlaceSchema())
@idempotent.documented
@needs("sandboxes.write")
def create_sandbox_merchant(args: dict[str, Any]) -> Response:
    """Make a merchant for an integrator: a store, a terminal, customers and vouchers, none of them real."""
    actor, now = principals.current().name, clock.now()
    return idempotent.command(
        lambda session: places.create(session, Wish(**args), actor=actor, now=now), schema=SandboxPlaceSchema()
    )


@blueprint.get("/sandbox-merchants")
@blueprint.arguments(PageArgs(), location="query")
@blueprint.response(200, page_of(SandboxPlaceSchema))
@needs("sandboxes.read")
def list_sandbox_merchants(args: dict[str, Any]) -> dict[str, Any]:
    """The sandboxes that there are, the latest first."""
    before, limit = pages.before(args["cursor"]), args["limit"]
    with transaction() as session:
        found = places.page(session, before=before, limit=limit + 1)
    return pages.page(found, limit, at=lambda sandbox: sandbox.merchant_id)


@blueprint.post("/sandbox-merchants/<uuid:merchant_id>/tokens")
@blueprint.response(201, SandboxTokenSchema())
@needs("sandboxes.write")
def create_sandbox_token(merchant_id: UUID) -> tuple[dict[str, Any], dict[str, str]]:
    """An access token of the sandbox's terminal, good for a day."""
    now = clock.now()
    with transaction() as session:
        token, expires_at = tokens.mint(session, merchant_id, actor=principals.current().name, now=now)
    return _token(token, expires_at), {"Cache-Control": "no-store"}


def _token(token: str, expires_at: datetime) -> dict[str, Any]:
    return {"access_token": token, "expires_at": expires_at}
