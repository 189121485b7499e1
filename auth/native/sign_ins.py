"""Attempts: one row each, found by the handle that its asker holds, with a data key of its own."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from auth import opaque
from auth.errors import OAuthRefusal
from auth.native.models import SignIn
from core import crypto, ids

#: How long the next step may take.
TTL = timedelta(minutes=5)
MAX_TRIES = 5
#: Long enough that a message still under way can be opened; then its data key goes too.
KEPT_FOR = timedelta(hours=24)


PHONE_PLACE = "auth.sign_in.phone"


def opened(session: Session, *, now: datetime, **fields: object) -> tuple[str, SignIn]:
    """A new attempt, with the handle that finds it again and a data key of its own; it is added when it is complete,
    so that it is written once."""
    handle, sign_in_id = opaque.new(), ids.new()
    crypto.create_data_keys(session, [sign_in_id])
    row = SignIn(
        id=sign_in_id,
        handle=opaque.kept("auth_session", handle),
        tries=0,
        resent=0,
        state="waiting",
        created_at=now,
        expires_at=now + TTL,
        **fields,
    )
    return handle, row


def waiting(
    session: Session,
    handle: str,
    *,
    purpose: str,
    now: datetime,
    client_id: str | None = None,
    jkt: bytes | None = None,
    customer_id: UUID | None = None,
) -> SignIn | OAuthRefusal:
    """The attempt that a handle stands for, locked, while it still waits for something; else `invalid_session`."""
    row = session.scalar(select(SignIn).where(SignIn.handle == opaque.kept("auth_session", handle)).with_for_update())
    if row is None or row.purpose != purpose or row.state != "waiting" or now >= row.expires_at:
        return over()
    if client_id is not None and row.client_id != client_id:
        return over()
    if row.jkt is not None and row.jkt != jkt:
        return over()
    if customer_id is not None and row.customer_id != customer_id:
        return over()
    return row


def over() -> OAuthRefusal:
    return OAuthRefusal("invalid_session", "This auth_session is over: begin again with the phone number")


def count_wrong(row: SignIn, handle: str, description: str, *, most: int = MAX_TRIES, **extra: str) -> OAuthRefusal:
    """One more wrong answer; the last one ends the attempt."""
    row.tries += 1
    if row.tries >= most:
        row.state = "failed"
        return OAuthRefusal("invalid_session", "Too many wrong answers: begin again")
    return OAuthRefusal(
        "insufficient_authorization",
        description,
        extra={"auth_session": handle, "tries_left": most - row.tries, **extra},
    )


def phone_of(session: Session, row: SignIn) -> str:
    """The number that an attempt is about, in clear."""
    assert row.phone is not None
    return crypto.unseal(session, owner_id=row.id, place=PHONE_PLACE, row_id=row.id, ciphertext=row.phone)


def forget(session: Session, *, now: datetime, most: int) -> int:
    """Drop up to `most` attempts that are long over, and with their data keys the numbers and codes that were texted;
    returns how many."""
    over = select(SignIn.id).where(SignIn.created_at <= now - KEPT_FOR).limit(most)
    gone = session.scalars(delete(SignIn).where(SignIn.id.in_(over)).returning(SignIn.id)).all()
    for sign_in_id in gone:
        crypto.destroy_data_key(session, sign_in_id)
    return len(gone)
