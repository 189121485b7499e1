"""Answers that hold something personal, or a link's code: an idempotency key keeps their id alone."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Response, current_app, jsonify
from marshmallow import Schema
from sqlalchemy.orm import Session

from core.db import transaction
from core.web import idempotent
from wallet.peers.api.schemas import KeptSchema
from wallet.peers.invitations import Brand

Show = Callable[[Session, UUID], dict[str, Any]]


def command(
    work: Callable[[Session], Any], *, show: Show, schema: Schema, beside: idempotent.Beside | None = None
) -> Response:
    """Carry a command out once; whoever asks again is shown the same thing, as it stands by then.

    beside  what else is written with a refusal that is kept
    """
    kept = idempotent.command(work, schema=KeptSchema(), beside=beside)
    if kept.status_code >= 400:
        return kept
    made = UUID(kept.get_json()["id"])
    with transaction() as session:
        answer = jsonify(schema.dump(show(session, made)))
    answer.status_code = kept.status_code
    answer.headers["Cache-Control"] = "no-store"
    if "Idempotency-Replayed" in kept.headers:
        answer.headers["Idempotency-Replayed"] = kept.headers["Idempotency-Replayed"]
    return answer


def brand() -> Brand:
    settings = current_app.extensions["settings"]
    return Brand(settings.brand_name, settings.public_url.rstrip("/"))
