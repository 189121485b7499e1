"""What hangs from a session: the families of refresh tokens, and the access tokens that are out."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from auth.oauth import families
from auth.oauth.models import TokenFamily
from auth.tokens.models import Revocation

#: No access token is good for longer than an hour, whatever its audience.
_LONGEST = timedelta(hours=1)


def revoke(session: Session, session_id: UUID, *, because: str, now: datetime) -> None:
    """Revoke the families of a session, in the order of their ids, and refuse its access tokens from now on."""
    query = select(TokenFamily.id).where(TokenFamily.session_id == session_id, TokenFamily.revoked_at.is_(None))
    for family_id in session.scalars(query.order_by(TokenFamily.id)).all():
        families.revoke(session, family_id, reason=because, now=now)
    row = {"subject": f"session:{session_id}", "issued_until": now, "until": now + _LONGEST}
    session.execute(insert(Revocation).values(row).on_conflict_do_nothing())
