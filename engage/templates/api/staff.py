"""Templates over the staff door."""

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint

from core import audit, clock
from core.db import transaction
from core.web import principals
from core.web.doors import demand, needs
from core.web.listings import page
from core.web.schemas import PageArgs, page_of
from engage.templates import previewing, saved
from engage.templates.api.schemas import (
    AskedPreviewSchema,
    NewTemplateSchema,
    NewTemplateVersionSchema,
    PreviewSchema,
    TemplateDetailSchema,
    TemplateSchema,
    TemplateStatusSchema,
    TemplateVersionSchema,
)
from engage.templates.models import Template, TemplateVersion
from engage.templates.previewing import Asked, Preview

blueprint = Blueprint("engage_templates_staff", __name__, description="Templates of messages")


@blueprint.post("/templates")
@blueprint.arguments(NewTemplateSchema())
@blueprint.response(201, TemplateSchema())
@needs("templates.write")
def create_template(args: dict[str, Any]) -> Template:
    """Save a template: a text for each channel and language."""
    with transaction() as session:
        return saved.create(session, raw=args.pop("wording"), **args, actor=principals.current().name, now=clock.now())


@blueprint.get("/templates")
@blueprint.arguments(PageArgs(), location="query")
@blueprint.response(200, page_of(TemplateSchema))
@needs("templates.read")
def list_templates(args: dict[str, Any]) -> dict[str, Any]:
    """All templates, the latest first."""
    with transaction() as session:
        return page(args, lambda before, limit: saved.list_(session, before=before, limit=limit))


@blueprint.get("/templates/<uuid:template_id>")
@blueprint.response(200, TemplateDetailSchema())
@needs("templates.read")
def get_template(template_id: UUID) -> dict[str, Any]:
    """A template with its latest versions."""
    with transaction() as session:
        template = saved.find(session, template_id)
        members = {name: getattr(template, name) for name in TemplateSchema().fields}
        return {**members, "versions": saved.versions_of(session, template_id)}


@blueprint.post("/templates/<uuid:template_id>/versions")
@blueprint.arguments(NewTemplateVersionSchema())
@blueprint.response(201, TemplateVersionSchema())
@needs("templates.write")
def add_template_version(args: dict[str, Any], template_id: UUID) -> TemplateVersion:
    """Change a template's wording: it is sent from now on, also by the journeys that use it already."""
    with transaction() as session:
        return saved.add_version(
            session,
            template_id=template_id,
            raw=args["wording"],
            actor=principals.current().name,
            now=clock.now(),
        )


@blueprint.put("/templates/<uuid:template_id>/status")
@blueprint.arguments(TemplateStatusSchema())
@blueprint.response(200, TemplateSchema())
@needs("templates.write")
def set_template_status(args: dict[str, Any], template_id: UUID) -> Template:
    """Archive a template that nothing uses any more."""
    with transaction() as session:
        return saved.archive(session, template_id, actor=principals.current().name, now=clock.now())


@blueprint.post("/templates/<uuid:template_id>/previews")
@blueprint.arguments(AskedPreviewSchema())
@blueprint.response(200, PreviewSchema())
@needs("templates.read")
def preview_template(args: dict[str, Any], template_id: UUID) -> Preview:
    """How a template reads to a customer. Nothing is sent; voucher codes and short links in it are examples."""
    if args["customer_id"] or args["event_id"]:
        demand("customers.read")
    given, now = args.pop("wording"), clock.now()
    with transaction() as session:
        template = saved.find(session, template_id)
        if args["customer_id"] or args["event_id"]:
            change = {"customer_id": str(args["customer_id"]), "event_id": str(args["event_id"])}
            audit.record(
                session,
                actor=principals.current().name,
                action="template.preview",
                target=f"template:{template_id}",
                change=change,
                now=now,
            )
        said = (
            saved.parse_new(given, purpose=template.purpose)
            if given is not None
            else saved.live(session, [template_id])[template_id]
        )
        return previewing.preview(session, said, Asked(**args), now=now)
