"""Consents over the staff's door: what a customer said, what they told us beside the app, and the words to ask in."""

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint

from auth import customers
from core import clock
from core.db import transaction
from core.web import pages, principals
from core.web.doors import needs
from core.web.listings import page
from core.web.schemas import PageArgs, page_of
from engage import consents
from engage.consents import Said, preferences, records, wordings
from engage.consents.api.schemas import (
    AllowedSchema,
    ConsentRecordSchema,
    ConsentSchema,
    NewWordingSchema,
    StaffConsentSchema,
    WordingSchema,
)
from engage.consents.models import Consent, Wording

blueprint = Blueprint("engage_consents_staff", __name__, description="What customers allow, and how we know")


@blueprint.get("/customers/<uuid:customer_id>/consents")
@blueprint.arguments(PageArgs(), location="query")
@blueprint.response(200, page_of(ConsentRecordSchema))
@needs("consents.read")
def list_consent_records(args: dict[str, Any], customer_id: UUID) -> dict[str, Any]:
    """All that a customer ever allowed and refused, with where and in which words, the latest first."""
    before = pages.place(args["cursor"], int)
    with transaction() as session:
        customers.find(session, customer_id)
        found = records.of(session, customer_id, before=before, limit=args["limit"] + 1)
        return pages.page(found, args["limit"], at=lambda row: row.seq)


@blueprint.get("/customers/<uuid:customer_id>/preferences")
@blueprint.response(200, AllowedSchema())
@needs("consents.read")
def get_customer_preferences(customer_id: UUID) -> dict[str, Any]:
    """What counts for a customer just now, by channel and purpose, said or not; and whether their number sent STOP."""
    with transaction() as session:
        return {"items": preferences.of(session, customer_id)}


@blueprint.put("/customers/<uuid:customer_id>/consents")
@blueprint.arguments(StaffConsentSchema())
@blueprint.response(200, ConsentSchema())
@needs("consents.write")
def put_customer_consent(args: dict[str, Any], customer_id: UUID) -> Consent:
    """Keep what a customer told us beside the app; say what shows it."""
    wording_id, evidence = args.pop("wording_id"), args.pop("evidence")
    with transaction() as session:
        customers.find(session, customer_id)
        wordings.check(session, wording_id, channel=args["channel"], purpose=args["purpose"])
        return consents.put(
            session,
            Said(customer_id, **args),
            source="staff",
            wording_id=wording_id,
            evidence={**evidence, "by": principals.current().name},
            now=clock.now(),
        )


@blueprint.post("/wordings")
@blueprint.arguments(NewWordingSchema())
@blueprint.response(201, WordingSchema())
@needs("consents.write")
def add_wording(args: dict[str, Any]) -> Wording:
    """Ask for consent in these words from now on; it cannot be changed, only followed by another."""
    with transaction() as session:
        return wordings.add(session, **args, actor=principals.current().name, now=clock.now())


@blueprint.get("/wordings")
@blueprint.arguments(PageArgs(), location="query")
@blueprint.response(200, page_of(WordingSchema))
@needs("consents.read")
def list_wordings(args: dict[str, Any]) -> dict[str, Any]:
    """The words in which consent is or was asked for, the latest first."""
    with transaction() as session:
        return page(args, lambda before, limit: wordings.list_(session, before=before, limit=limit))
