"""The contact policy over the staff's door."""

from typing import Any

from flask_smorest import Blueprint

from core import clock
from core.db import transaction
from core.web import pages, principals
from core.web.doors import needs
from core.web.schemas import PageArgs, page_of
from engage.contacting import policy
from engage.contacting.api.schemas import PolicyRevisionSchema, PolicySchema
from engage.contacting.models import PolicyRevision

blueprint = Blueprint(
    "engage_contacting_staff", __name__, description="When and how often customers are written to: one policy for all"
)


@blueprint.get("/contact-policy")
@blueprint.response(200, PolicyRevisionSchema())
@needs("contact_policy.read")
def get_contact_policy() -> PolicyRevision | dict[str, Any]:
    """The policy that holds: quiet hours, frequency caps and the control group."""
    with transaction() as session:
        return policy.newest(session) or {"revision": 0, "terms": {}, "made_by": None, "made_at": None}


@blueprint.put("/contact-policy")
@blueprint.arguments(PolicySchema())
@blueprint.response(200, PolicyRevisionSchema())
@needs("contact_policy.write")
def put_contact_policy(args: dict[str, Any]) -> PolicyRevision:
    """Let another policy hold from now on, for what waits to be sent as well."""
    with transaction() as session:
        return policy.put(
            session, args["terms"], revision=args["revision"], actor=principals.current().name, now=clock.now()
        )


@blueprint.get("/contact-policy/revisions")
@blueprint.arguments(PageArgs(), location="query")
@blueprint.response(200, page_of(PolicyRevisionSchema))
@needs("contact_policy.read")
def list_contact_policies(args: dict[str, Any]) -> dict[str, Any]:
    """Every policy that ever held, the newest first."""
    with transaction() as session:
        before = pages.place(args["cursor"], int)
        found = policy.list_(session, before=before, limit=args["limit"] + 1)
        return pages.page(found, args["limit"], at=lambda row: row.revision)
