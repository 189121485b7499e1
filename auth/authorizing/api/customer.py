"""Partners that a customer let in."""

from dataclasses import asdict
from typing import Any

from flask_smorest import Blueprint
from marshmallow import Schema, fields

from auth.authorizing import consents
from core import clock
from core.db import transaction
from core.web import principals
from core.web.schemas import page_of

blueprint = Blueprint("partners", __name__, description="Partners that a customer lets in")


class PartnerSchema(Schema):
    client_id = fields.String(required=True)
    name = fields.String(required=True, metadata={"description": "As it calls itself"})
    scopes = fields.List(fields.String(), required=True, metadata={"description": "What it may have"})
    granted_at = fields.AwareDateTime(required=True, metadata={"description": "When it was last let have more"})


@blueprint.get("/partners")
@blueprint.response(200, page_of(PartnerSchema))
def list_partners() -> dict[str, Any]:
    """The partners that I let in, the newest first; all on one page."""
    with transaction() as session:
        found = consents.of(session, principals.current().id)
    return {"items": [asdict(partner) for partner in found], "next_cursor": None}


@blueprint.delete("/partners/<client_id>")
@blueprint.response(204)
def shut_partner_out(client_id: str) -> None:
    """Take back what I let a partner have: its tokens end at once, and it has to ask again."""
    with transaction() as session:
        consents.shut_out(session, principals.current().id, client_id, now=clock.now())
