"""Organisations, merchants and their stores, as staff keep them."""

from typing import Any
from uuid import UUID

from flask import Response
from flask_smorest import Blueprint

from auth.models import Merchant, Organisation, Store
from auth.places import changing, finding, merchants, organisations, stores
from auth.places.api.schemas import (
    MerchantArgsSchema,
    MerchantChangeSchema,
    MerchantPageArgs,
    MerchantSchema,
    NameSchema,
    OrganisationSchema,
    RenameSchema,
    StoreArgsSchema,
    StoreChangeSchema,
    StoreSchema,
)
from core import clock
from core.db import transaction
from core.web import idempotent, listings, principals
from core.web.doors import needs
from core.web.schemas import PageArgs, page_of

blueprint = Blueprint("places_staff", __name__, description="Organisations, merchants and their stores")


@blueprint.post("/organisations")
@blueprint.arguments(NameSchema())
@blueprint.response(201, OrganisationSchema())
@idempotent.documented
@needs("merchants.write")
def add_organisation(args: dict[str, Any]) -> Response:
    """Add an organisation, for merchants that belong together."""
    actor, now = principals.current().name, clock.now()

    def add(session: Any) -> Organisation:
        added = organisations.add_organisation(session, name=args["name"], now=now)
        changing.audited(session, added, "add", args, actor=actor, now=now)
        return added

    return idempotent.command(add, schema=OrganisationSchema())


@blueprint.get("/organisations")
@blueprint.arguments(PageArgs(), location="query")
@blueprint.response(200, page_of(OrganisationSchema))
@needs("merchants.read")
def list_organisations(args: dict[str, Any]) -> dict[str, Any]:
    """The organisations, the latest first."""
    with transaction() as session:
        return listings.page(
            args, lambda before, limit: finding.page(session, Organisation, before=before, limit=limit)
        )


@blueprint.patch("/organisations/<uuid:organisation_id>")
@blueprint.arguments(RenameSchema())
@blueprint.response(200, OrganisationSchema())
@needs("merchants.write")
def change_organisation(args: dict[str, Any], organisation_id: UUID) -> Organisation:
    """Rename an organisation."""
    with transaction() as session:
        return changing.change(session, Organisation, organisation_id, changes=args, **_by())


@blueprint.post("/merchants")
@blueprint.arguments(MerchantArgsSchema())
@blueprint.response(201, MerchantSchema())
@idempotent.documented
@needs("merchants.write")
def add_merchant(args: dict[str, Any]) -> Response:
    """Add a merchant, to an organisation where it belongs to one."""
    actor, now = principals.current().name, clock.now()

    def add(session: Any) -> Merchant:
        added = merchants.add_merchant(session, name=args["name"], now=now)
        organisations.take_in(session, added, args["organisation_id"], now=now)
        organisation_id = str(added.organisation_id) if added.organisation_id else None
        told = {"name": added.name, "organisation_id": organisation_id}
        changing.audited(session, added, "add", told, actor=actor, now=now)
        return added

    return idempotent.command(add, schema=MerchantSchema())


@blueprint.get("/merchants")
@blueprint.arguments(MerchantPageArgs(), location="query")
@blueprint.response(200, page_of(MerchantSchema))
@needs("merchants.read")
def list_merchants(args: dict[str, Any]) -> dict[str, Any]:
    """The merchants, of one organisation where that is asked for, the latest first."""
    asked = args["organisation_id"]
    where = [Merchant.organisation_id == asked] if asked else []
    with transaction() as session:
        return listings.page(
            args, lambda before, limit: finding.page(session, Merchant, *where, before=before, limit=limit)
        )


@blueprint.get("/merchants/<uuid:merchant_id>")
@blueprint.response(200, MerchantSchema())
@needs("merchants.read")
def show_merchant(merchant_id: UUID) -> Merchant:
    """One merchant."""
    with transaction() as session:
        return finding.one(session, Merchant, merchant_id)


@blueprint.patch("/merchants/<uuid:merchant_id>")
@blueprint.arguments(MerchantChangeSchema())
@blueprint.response(200, MerchantSchema())
@needs("merchants.write")
def change_merchant(args: dict[str, Any], merchant_id: UUID) -> Merchant:
    """Rename a merchant, or put it into another organisation or none."""
    with transaction() as session:
        return changing.change(session, Merchant, merchant_id, changes=args, **_by())


@blueprint.post("/merchants/<uuid:merchant_id>/stores")
@blueprint.arguments(StoreArgsSchema())
@blueprint.response(201, StoreSchema())
@idempotent.documented
@needs("merchants.write")
def add_store(args: dict[str, Any], merchant_id: UUID) -> Response:
    """Add a store to a merchant; without a time zone of its own the brand's holds."""
    actor, now = principals.current().name, clock.now()

    def add(session: Any) -> Store:
        added = stores.add_store(session, merchant_id=merchant_id, now=now, **args)
        changing.audited(session, added, "add", {"merchant_id": str(merchant_id), **args}, actor=actor, now=now)
        return added

    return idempotent.command(add, schema=StoreSchema())


@blueprint.get("/merchants/<uuid:merchant_id>/stores")
@blueprint.arguments(PageArgs(), location="query")
@blueprint.response(200, page_of(StoreSchema))
@needs("merchants.read")
def list_stores(args: dict[str, Any], merchant_id: UUID) -> dict[str, Any]:
    """A merchant's stores, the latest first."""
    with transaction() as session:
        finding.one(session, Merchant, merchant_id)
        own = Store.merchant_id == merchant_id
        return listings.page(args, lambda before, limit: finding.page(session, Store, own, before=before, limit=limit))


@blueprint.patch("/stores/<uuid:store_id>")
@blueprint.arguments(StoreChangeSchema())
@blueprint.response(200, StoreSchema())
@needs("merchants.write")
def change_store(args: dict[str, Any], store_id: UUID) -> Store:
    """Change what a store is called, the merchant's number for it, or its time zone."""
    with transaction() as session:
        return changing.change(session, Store, store_id, changes=args, **_by())


def _by() -> dict[str, Any]:
    return {"actor": principals.current().name, "now": clock.now()}
