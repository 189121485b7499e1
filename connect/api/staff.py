"""Whose another system's ids are."""

from typing import Any

from flask import current_app
from flask_smorest import Blueprint

from connect import identities, sources
from connect.api.schemas import ExternalIdentitySchema, MappedIdentitySchema
from core import clock
from core.db import transaction
from core.web import principals
from core.web.doors import needs

blueprint = Blueprint("connect_staff", __name__, description="Other systems' ids of our customers")


@blueprint.route("/external-identities/<source>", methods=["POST"])
@blueprint.arguments(ExternalIdentitySchema())
@blueprint.response(201, MappedIdentitySchema())
@needs("customers.write")
def map_identity(body: dict[str, Any], source: str) -> dict[str, Any]:
    """Say which customer a source of events means by its own id

    The source is that of a write key. What it reported under the id before becomes the customer's. Repeating it changes
    nothing.
    """
    with transaction() as session:
        sources.check(session, source, settings=current_app.extensions["settings"])
        identities.map_external(session, source=source, **body, actor=principals.current().name, now=clock.now())
    return {"source": source, "customer_id": body["customer_id"]}
