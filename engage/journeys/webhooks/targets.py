"""Targets: the servers that journeys may call, each with a secret that signs what it is told."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core import audit, crypto, ids
from core.errors import NotFound
from core.gateways import webhooks
from core.gateways.webhooks import Unsafe
from engage.journeys.webhooks.errors import TargetTaken, TargetUnsafe
from engage.journeys.webhooks.models import WebhookCall, WebhookTarget

URL_PLACE, SECRET_PLACE = "engage.webhook_target.url", "engage.webhook_target.secret"


def create(
    session: Session, *, name: str, url: str, may_be_local: bool, actor: str, now: datetime
) -> tuple[WebhookTarget, str]:
    """A target, and the secret that its calls are signed with, which is told this once.

    may_be_local  outside production: http, and this machine
    raises        TargetUnsafe; TargetTaken
    """
    try:
        webhooks.check_url(url, may_be_local=may_be_local)
    except Unsafe as error:
        raise TargetUnsafe(errors=[{"pointer": "/url", "detail": str(error)}]) from error
    target_id, secret = ids.new(), secrets.token_urlsafe(32)
    crypto.create_data_keys(session, [target_id])
    target = WebhookTarget(
        id=target_id,
        name=name,
        host=urlsplit(url).hostname or "",
        url=_sealed(session, target_id, URL_PLACE, url),
        secret=_sealed(session, target_id, SECRET_PLACE, secret),
        status="active",
        created_by=actor,
        created_at=now,
    )
    try:
        with session.begin_nested():
            session.add(target)
    except IntegrityError as error:
        raise TargetTaken from error
    _audit(session, target, "webhook_target.created", {"name": name, "host": target.host}, actor=actor, now=now)
    return target, secret


def set_status(session: Session, *, target_id: UUID, status: str, actor: str, now: datetime) -> WebhookTarget:
    """Close a target: what waits for it fails, and nothing more is told it. Or open it again.

    raises  NotFound
    """
    target = session.get(WebhookTarget, target_id, with_for_update={"key_share": True})
    if target is None:
        raise NotFound
    if target.status != status:
        change = {"from": target.status, "to": status}
        # Who opens it again wants it to be tried now.
        target.status, target.failures, target.rests_until = status, 0, None
        _audit(session, target, "webhook_target.status_set", change, actor=actor, now=now)
    return target


def list_(session: Session, *, before: UUID | None, limit: int) -> Sequence[WebhookTarget]:
    """The latest first."""
    query = select(WebhookTarget).order_by(WebhookTarget.id.desc()).limit(limit)
    return session.scalars(query if before is None else query.where(WebhookTarget.id < before)).all()


def calls_of(session: Session, target_id: UUID, *, before: UUID | None, limit: int) -> Sequence[WebhookCall]:
    """What a target was told and what it answered, the latest first.

    raises  NotFound
    """
    if session.get(WebhookTarget, target_id) is None:
        raise NotFound
    query = select(WebhookCall).where(WebhookCall.target_id == target_id).order_by(WebhookCall.id.desc()).limit(limit)
    return session.scalars(query if before is None else query.where(WebhookCall.id < before)).all()


def _sealed(session: Session, target_id: UUID, place: str, text: str) -> bytes:
    return crypto.seal(session, owner_id=target_id, place=place, row_id=target_id, text=text)


def _audit(
    session: Session, target: WebhookTarget, action: str, change: dict[str, Any], *, actor: str, now: datetime
) -> None:
    audit.record(session, actor=actor, action=action, target=f"webhook_target:{target.id}", change=change, now=now)
