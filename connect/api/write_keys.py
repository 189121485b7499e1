"""Who may report events."""

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint

from connect import write_keys
from connect.api.schemas import MadeWriteKeySchema, WriteKeySchema, WriteKeyStatusSchema
from connect.models import WriteKey
from core import clock
from core.db import transaction
from core.web import principals
from core.web.doors import needs
from core.web.schemas import PageArgs, decode_cursor, encode_cursor, page_of

blueprint = Blueprint("connect_write_keys", __name__, description="Write keys of the ingest door")


@blueprint.post("/write-keys")
@blueprint.arguments(WriteKeySchema())
@blueprint.response(201, MadeWriteKeySchema())
@needs("sources.write")
def make_write_key(body: dict[str, str]) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Let a source of events in

    The key is told only now. It works everywhere within a second.
    """
    actor, now = principals.current().name, clock.now()
    with transaction() as session:
        row, key = write_keys.make(session, source=body["source"], trust=body["trust"], actor=actor, now=now)
    return {**_shown(row), "key": key}, 201, {"Cache-Control": "no-store"}


@blueprint.get("/write-keys")
@blueprint.arguments(PageArgs(), location="query")
@blueprint.response(200, page_of(WriteKeySchema))
@needs("sources.write")
def list_write_keys(args: dict[str, Any]) -> dict[str, Any]:
    """The write keys that staff made, the latest first; those of the settings are not among them."""
    position = decode_cursor(args["cursor"], UUID)
    with transaction() as session:
        found = write_keys.page(session, after=position[0] if position else None, limit=args["limit"] + 1)
    items = found[: args["limit"]]
    return {
        "items": [_shown(row) for row in items],
        "next_cursor": encode_cursor(items[-1].id) if len(found) > len(items) else None,
    }


@blueprint.put("/write-keys/<uuid:key_id>/status")
@blueprint.arguments(WriteKeyStatusSchema())
@blueprint.response(200, WriteKeySchema())
@needs("sources.write")
def revoke_write_key(body: dict[str, str], key_id: UUID) -> dict[str, Any]:
    """Revoke a write key, for good

    It is refused everywhere within five seconds. What came in by it stays.
    """
    with transaction() as session:
        return _shown(write_keys.revoke(session, key_id, actor=principals.current().name, now=clock.now()))


def _shown(row: WriteKey) -> dict[str, Any]:
    names = ("id", "source", "trust", "status", "created_by", "created_at", "revoked_at", "last_used_on")
    return {name: getattr(row, name) for name in names}
