"""Whose another system's ids are."""

from uuid import UUID

from flask_smorest import Blueprint

from connect import identities
from connect.api.schemas import ExternalIdentitySchema
from core import clock
from core.db import transaction
from core.web import principals
from core.web.doors import needs

blueprint = Blueprint("connect_staff", __name__, description="Other systems' ids of our customers")


@blueprint.route("/external-identities/<source>", methods=["POST"])
@blueprint.arguments(ExternalIdentitySchema())
@blueprint.response(201, ExternalIdentitySchema())
@needs("customers.write")
def map_identity(body: dict[str, object], source: str) -> dict[str, object]:
    """Say which customer a source of events means by its own id

    What that source reported under the id before becomes the customer's. Repeating it changes nothing.
    """
    with transaction() as session:
        identities.map_external(
            session,
            source=source,
            external_id=str(body["external_id"]),
            customer_id=UUID(str(body["customer_id"])),
            actor=principals.current().name,
            now=clock.now(),
        )
    return body
