"""Who is let in."""

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint

from auth.models import Merchant, Organisation, Store, Terminal
from auth.places import suspending
from auth.places.api.schemas import (
    MerchantSchema,
    OrganisationSchema,
    PlaceStatusSchema,
    StoreSchema,
    TerminalSchema,
    TerminalStatusSchema,
    WhoseStatusSchema,
)
from core import clock
from core.db import transaction
from core.web import principals
from core.web.doors import needs

blueprint = Blueprint("statuses_staff", __name__, description="Who is let in: suspending, and letting in again")


@blueprint.put("/organisations/<uuid:organisation_id>/status")
@blueprint.arguments(PlaceStatusSchema())
@blueprint.response(200, OrganisationSchema())
@needs("merchants.write")
def set_organisation_status(args: dict[str, Any], organisation_id: UUID) -> Organisation:
    """Suspend an organisation: within a second no till of its merchants is let in. Or let them in again."""
    found: Organisation = _set("organisation", organisation_id, args)
    return found


@blueprint.put("/merchants/<uuid:merchant_id>/status")
@blueprint.arguments(PlaceStatusSchema())
@blueprint.response(200, MerchantSchema())
@needs("merchants.write")
def set_merchant_status(args: dict[str, Any], merchant_id: UUID) -> Merchant:
    """Suspend a merchant: within a second none of its tills is let in. Or let them in again."""
    found: Merchant = _set("merchant", merchant_id, args)
    return found


@blueprint.put("/stores/<uuid:store_id>/status")
@blueprint.arguments(PlaceStatusSchema())
@blueprint.response(200, StoreSchema())
@needs("merchants.write")
def set_store_status(args: dict[str, Any], store_id: UUID) -> Store:
    """Suspend a store: within a second none of its tills is let in. Or let them in again."""
    found: Store = _set("store", store_id, args)
    return found


@blueprint.put("/terminals/<uuid:terminal_id>/status")
@blueprint.arguments(TerminalStatusSchema())
@blueprint.response(200, TerminalSchema())
@needs("terminals.write")
def set_terminal_status(args: dict[str, Any], terminal_id: UUID) -> Terminal:
    """Suspend a till within a second, let it in again, or revoke it and its key for ever."""
    found: Terminal = _set("terminal", terminal_id, args)
    return found


@blueprint.put("/customers/<uuid:customer_id>/status")
@blueprint.arguments(PlaceStatusSchema())
@blueprint.response(200, WhoseStatusSchema())
@needs("customers.write")
def set_customer_status(args: dict[str, Any], customer_id: UUID) -> Any:
    """Suspend a customer: they are signed out everywhere within a second, and cannot sign in. Or let them in again."""
    return _set("customer", customer_id, args)


def _set(kind: suspending.Kind, subject: UUID, args: dict[str, Any]) -> Any:
    with transaction() as session:
        return suspending.set_status(
            session, kind, subject, args["status"], actor=principals.current().name, now=clock.now()
        )
