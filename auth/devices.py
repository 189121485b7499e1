"""Devices: the installations of the apps, and the push tokens that reach them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, TypeGuard
from uuid import UUID

from sqlalchemy import ColumnElement, Update, and_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from auth.events import DeviceRegistered, DeviceTokenDropped
from auth.models import Device
from core import crypto, ids, pseudonyms
from core.events import announce, announce_all

_PLACE = "auth.device.push_token"


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What an installation of an app tells of itself."""

    customer_id: UUID
    device_id: str
    platform: str
    push_token: str | None
    app_version: str | None
    locale: str | None


def put(
    session: Session,
    *,
    customer_id: UUID,
    device_id: str,
    platform: str,
    push_token: str | None,
    app_version: str | None,
    locale: str | None,
    anonymous_id: str | None = None,
    now: datetime,
) -> Device:
    """Keep what an installation tells of itself, whether it is new or known.

    anonymous_id  the id under which it reported events before anybody was signed in
    effects       a push token moves here from whatever device had it: on a phone that changed hands nobody gets the
                  messages of the customer before. Announces device.registered when it is new, or its token or its
                  anonymous id is another one
    """
    subject_id = pseudonyms.of_anonymous(anonymous_id) if _tells(anonymous_id) else None
    index = _index_of(push_token) if push_token else None
    if index is not None:
        session.execute(_without_token().where(Device.push_token_index == index, ~_is(customer_id, device_id)))
    made = _insert_bare(session, customer_id, device_id, platform, now)
    device = session.scalars(select(Device).where(_is(customer_id, device_id)).with_for_update()).one()
    is_news = made is not None or device.push_token_index != index or subject_id not in (None, device.subject_id)

    # Sealed first: fetching the data key flushes, and a half-set pair would break the row's check.
    sealed = _sealed(session, device, push_token) if push_token else None
    device.platform, device.app_version, device.locale, device.seen_at = platform, app_version, locale, now
    device.push_token, device.push_token_index = sealed, index
    device.subject_id = subject_id or device.subject_id
    session.flush()

    if is_news:
        announce(
            session,
            DeviceRegistered(
                customer_id=customer_id,
                subject_id=subject_id,
                occurred_at=now,
                device_id=device.id,
                platform=platform,
                can_push=push_token is not None,
            ),
        )
    return device


def put_all(session: Session, told: Sequence[Installation], *, now: datetime) -> None:
    """`put` for many, meant for imports: those that are new take three statements together, known ones one by one.

    Each installation and each push token is named once.
    """
    if not told:
        return
    crypto.fetch_data_keys(session, [one.customer_id for one in told])
    tokens = [_index_of(one.push_token) for one in told if one.push_token]
    theirs = tuple_(Device.customer_id, Device.device_id).in_([(one.customer_id, one.device_id) for one in told])
    session.execute(_without_token().where(Device.push_token_index.in_(tokens), ~theirs))
    rows = [_row(session, one, now=now) for one in told]
    statement = insert(Device).on_conflict_do_nothing(index_elements=["customer_id", "device_id"])
    fresh = set(session.scalars(statement.returning(Device.id), rows))

    announce_all(
        session,
        [
            DeviceRegistered(
                customer_id=one.customer_id,
                occurred_at=now,
                device_id=row["id"],
                platform=one.platform,
                can_push=one.push_token is not None,
            )
            for one, row in zip(told, rows, strict=True)
            if row["id"] in fresh
        ],
    )
    for one, row in zip(told, rows, strict=True):
        if row["id"] not in fresh:
            put(session, **asdict(one), now=now)


#: A token that no app has brought for so long reaches nobody: what is sent there only costs the good name of the rest.
#: source   Firebase's "Best practices for registration token management": Android's expire after 270 days
EXPIRED_AFTER = timedelta(days=270)


def drop_tokens_of(session: Session, device_rows: list[UUID], *, seen_before: datetime, now: datetime) -> None:
    """Forget the tokens of these rows, unless the device brought its token anew since.

    effects  announces device.token_dropped of each that had one
    """
    found = Device.id.in_(device_rows), Device.push_token.is_not(None), Device.seen_at <= seen_before
    rows = session.execute(_without_token().where(*found).returning(Device.id, Device.customer_id)).all()
    _announce_dropped(session, [(row.id, row.customer_id) for row in rows], reason="dead", now=now)


def drop_expired(session: Session, *, now: datetime, most: int) -> int:
    """Forget tokens of devices not seen for EXPIRED_AFTER; returns how many, at most `most`.

    effects  announces device.token_dropped of each
    """
    expired = (
        select(Device.id)
        .where(Device.push_token.is_not(None), Device.seen_at <= now - EXPIRED_AFTER)
        .order_by(Device.seen_at)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    dropped = _without_token().where(Device.id.in_(expired.scalar_subquery())).returning(Device.id, Device.customer_id)
    rows = session.execute(dropped.execution_options(synchronize_session=False)).all()
    _announce_dropped(session, [(row.id, row.customer_id) for row in rows], reason="expired", now=now)
    return len(rows)


def opened_token(session: Session, device_row: UUID, customer_id: UUID, ciphertext: bytes) -> str:
    """raises  crypto.Erased when the device's customer is gone"""
    return crypto.unseal(session, owner_id=customer_id, place=_PLACE, row_id=device_row, ciphertext=ciphertext)


def _tells(anonymous_id: str | None) -> TypeGuard[str]:
    return anonymous_id is not None and not pseudonyms.names_nobody(anonymous_id)


def _announce_dropped(session: Session, dropped: Sequence[tuple[UUID, UUID]], *, reason: str, now: datetime) -> None:
    announce_all(
        session,
        [
            DeviceTokenDropped(customer_id=customer_id, occurred_at=now, device_id=device_id, reason=reason)
            for device_id, customer_id in dropped
        ],
    )


def _index_of(token: str) -> bytes:
    return crypto.blind_index("auth.push_token", token)


def _sealed(session: Session, device: Device, token: str) -> bytes:
    return crypto.seal(session, owner_id=device.customer_id, place=_PLACE, row_id=device.id, text=token)


def _is(customer_id: UUID, device_id: str) -> ColumnElement[bool]:
    return and_(Device.customer_id == customer_id, Device.device_id == device_id)


def _without_token() -> Update:
    return update(Device).values(push_token=None, push_token_index=None)


def _row(session: Session, told: Installation, *, now: datetime) -> dict[str, Any]:
    row_id, token = ids.new(), told.push_token
    sealed = token and crypto.seal(session, owner_id=told.customer_id, place=_PLACE, row_id=row_id, text=token)
    return {
        **asdict(told),
        "id": row_id,
        "push_token": sealed or None,
        "push_token_index": _index_of(token) if token else None,
        "created_at": now,
        "seen_at": now,
    }


def _insert_bare(session: Session, customer_id: UUID, device_id: str, platform: str, now: datetime) -> UUID | None:
    """Make the row if there is none; its id, or None when it was there."""
    row = {
        "id": ids.new(),
        "customer_id": customer_id,
        "device_id": device_id,
        "platform": platform,
        "created_at": now,
        "seen_at": now,
    }
    statement = insert(Device).values(row).on_conflict_do_nothing(index_elements=["customer_id", "device_id"])
    return session.scalar(statement.returning(Device.id))
