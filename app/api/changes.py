"""What an app has to fetch anew: what the log and the inbox know together."""

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from core import clock
from core.db import connection_of, transaction
from core.web import principals
from core.web.schemas import Instant
from engage import inbox
from insights import changes
from insights.changes import Change

blueprint = Blueprint("changes", __name__, description="What changed since an app asked last")

_PAGE = 200


class ChangesArgs(Schema):
    since = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(max=200),
        metadata={"description": "The `next` of the answer before; without it: from now on"},
    )


class ChangeSchema(Schema):
    kind = fields.String(validate=validate.OneOf(sorted({kind for kind, _ in changes.KINDS.values()})))
    id = fields.String(allow_none=True, metadata={"description": "null: fetch what there is of the kind"})
    at = Instant()


class ChangesSchema(Schema):
    items = fields.List(fields.Nested(ChangeSchema()))
    next = fields.String(metadata={"description": "Ask with it the next time"})
    more = fields.Boolean(metadata={"description": "Ask again at once"})
    reset = fields.Boolean(metadata={"description": "Load everything anew: nothing is known of what changed before"})


@blueprint.get("/changes")
@blueprint.arguments(ChangesArgs(), location="query")
@blueprint.response(200, ChangesSchema())
def list_changes(args: dict[str, Any]) -> dict[str, Any]:
    """What to fetch anew since you asked last

    Without `since`, or with one older than 60 days, `reset` is true: load everything, then go on from `next`. A thing
    may be told more than once.
    """
    now = clock.now()
    since = changes.read_token(args["since"], now=now) if args["since"] else None
    with transaction() as session:
        connection = connection_of(session)
        if since is None:
            begun = changes.here(connection, now=now)
            return {"items": [], "next": changes.token_of(begun), "more": False, "reset": True}
        told = changes.since(connection, principals.current().id, since, limit=_PAGE, now=now)
        items = list(told.items)
        if told.is_all:
            put = inbox.put_since(session, principals.current().id, since.at, now=now)
            items += _put_into_inbox(put, items)
    return {"items": items, "next": changes.token_of(told.next), "more": not told.is_all, "reset": False}


def _put_into_inbox(found: list[tuple[UUID, Any]], told: list[Change]) -> list[Change]:
    known = {change.id for change in told if change.kind == "inbox"}
    return [Change("inbox", str(item_id), at) for item_id, at in found if str(item_id) not in known]
