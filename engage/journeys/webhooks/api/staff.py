"""Webhook targets over the staff door."""

from typing import Any
from uuid import UUID

from flask import current_app
from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from core import clock
from core.db import transaction
from core.web import principals
from core.web.doors import needs
from core.web.listings import page
from core.web.schemas import Instant, PageArgs, page_of
from engage.journeys.webhooks import targets
from engage.journeys.webhooks.models import STATES, STATUSES, WebhookTarget

blueprint = Blueprint("engage_webhooks_staff", __name__, description="Servers that journeys call")


class NewWebhookTargetSchema(Schema):
    name = fields.String(required=True, validate=validate.Length(min=1, max=100), metadata={"example": "CRM"})
    url = fields.String(
        required=True,
        validate=validate.Length(min=1, max=500),
        metadata={"description": "https only, and a public address.", "example": "https://crm.example/hooks/pocketful"},
    )


class WebhookTargetSchema(Schema):
    id = fields.UUID()
    name = fields.String()
    host = fields.String(metadata={"description": "Of its address; the rest is not told again."})
    status = fields.String(validate=validate.OneOf(STATUSES))
    failures = fields.Integer(metadata={"description": "Calls in a row that it could not take."})
    rests_until = Instant(
        allow_none=True, metadata={"description": "No call is made before: too many have failed.", "example": None}
    )
    created_by = fields.String()
    created_at = Instant()


class MadeWebhookTargetSchema(WebhookTargetSchema):
    secret = fields.String(metadata={"description": "What its calls are signed with; told this once."})


class WebhookTargetStatusSchema(Schema):
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))


class WebhookCallSchema(Schema):
    id = fields.UUID()
    step_run_id = fields.UUID()
    customer_id = fields.UUID()
    status = fields.String(attribute="state", validate=validate.OneOf(STATES))
    status_code = fields.Integer(allow_none=True)
    attempts = fields.Integer()
    last_error = fields.String(allow_none=True)
    made_at = Instant()


@blueprint.post("/webhook-targets")
@blueprint.arguments(NewWebhookTargetSchema())
@blueprint.response(201, MadeWebhookTargetSchema())
@needs("webhook_targets.write")
def create_webhook_target(args: dict[str, Any]) -> dict[str, Any]:
    """Name a server that journeys may call; its secret is told this once."""
    may_be_local = not current_app.extensions["settings"].is_production
    with transaction() as session:
        target, secret = targets.create(
            session, **args, may_be_local=may_be_local, actor=principals.current().name, now=clock.now()
        )
        told = {name: getattr(target, name) for name in WebhookTargetSchema().fields}
        return {**told, "secret": secret}


@blueprint.get("/webhook-targets")
@blueprint.arguments(PageArgs(), location="query")
@blueprint.response(200, page_of(WebhookTargetSchema))
@needs("journeys.read")
def list_webhook_targets(args: dict[str, Any]) -> dict[str, Any]:
    """All servers that journeys may call, the latest first."""
    with transaction() as session:
        return page(args, lambda before, limit: targets.list_(session, before=before, limit=limit))


@blueprint.put("/webhook-targets/<uuid:target_id>/status")
@blueprint.arguments(WebhookTargetStatusSchema())
@blueprint.response(200, WebhookTargetSchema())
@needs("webhook_targets.write")
def set_webhook_target_status(args: dict[str, Any], target_id: UUID) -> WebhookTarget:
    """Close a server, so that nothing more is told it; or open it again."""
    with transaction() as session:
        return targets.set_status(
            session, target_id=target_id, status=args["status"], actor=principals.current().name, now=clock.now()
        )


@blueprint.get("/webhook-targets/<uuid:target_id>/calls")
@blueprint.arguments(PageArgs(), location="query")
@blueprint.response(200, page_of(WebhookCallSchema))
@needs("journeys.read")
def list_webhook_calls(args: dict[str, Any], target_id: UUID) -> dict[str, Any]:
    """What a server was told and what it answered, the latest first."""
    with transaction() as session:
        return page(args, lambda before, limit: targets.calls_of(session, target_id, before=before, limit=limit))
