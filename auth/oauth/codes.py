"""Authorization codes: proof of a sign-in, worth one family of tokens to who holds the PKCE verifier, for a minute."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from auth import customers, opaque
from auth.errors import OAuthRefusal
from auth.oauth import families, pkce
from auth.oauth.families import Grant
from auth.oauth.models import AuthorizationCode

TTL = timedelta(seconds=60)
#: A code that comes back after its redemption is a theft's sign for as long as the row is kept.
KEPT_FOR = timedelta(days=1)


def issue(session: Session, *, client_id: str, customer_id: UUID, code_challenge: str, now: datetime) -> str:
    code = opaque.new()
    session.add(
        AuthorizationCode(
            code=opaque.kept("authorization_code", code),
            client_id=client_id,
            customer_id=customer_id,
            code_challenge=code_challenge,
            expires_at=now + TTL,
        )
    )
    return code


def redeem(session: Session, *, client_id: str, code: str, verifier: str, now: datetime) -> Grant | OAuthRefusal:
    """Turn a code into the first refresh token of a family. Of any number at one moment, exactly one gets it.

    effects  a code that comes twice revokes what it gave (RFC 6749 section 4.1.2), if who brings it has the verifier:
             else whoever saw a code could sign its owner out. Announces customer.signed_in
    """
    kept = opaque.kept("authorization_code", code)
    row = session.scalar(select(AuthorizationCode).where(AuthorizationCode.code == kept).with_for_update())
    if row is None or row.client_id != client_id or row.customer_id is None or row.code_challenge is None:
        return _refused()
    if not pkce.matches(verifier, row.code_challenge):
        return _refused()
    if row.redeemed_at is not None:
        if row.family_id is not None:
            families.revoke(session, row.family_id, reason="code_reused", now=now)
        return _refused()
    if now >= row.expires_at or not customers.is_active(session, row.customer_id):
        return _refused()

    grant = families.begin(session, client_id=client_id, customer_id=row.customer_id, now=now)
    row.redeemed_at, row.family_id = now, grant.family_id
    return grant


def forget(session: Session, *, now: datetime, most: int) -> int:
    """Drop up to `most` codes that are long over; returns how many."""
    over = select(AuthorizationCode.code).where(AuthorizationCode.expires_at <= now - KEPT_FOR).limit(most)
    gone = delete(AuthorizationCode).where(AuthorizationCode.code.in_(over)).returning(AuthorizationCode.code)
    return len(session.execute(gone).all())


def _refused() -> OAuthRefusal:
    return OAuthRefusal("invalid_grant", "This code does not work (any more)")
