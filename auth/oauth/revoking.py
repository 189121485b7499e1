"""Revoking (RFC 7009): a client gives back what it was given. What is unknown, over or another client's is no error."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from auth import sessions, tokens
from auth.oauth import families, refresh_tokens
from auth.oauth.clients import Client
from auth.tokens import revocations


def revoke(session: Session, client: Client, presented: str, *, now: datetime) -> None:
    """End what hangs from a token: a refresh token's family, an access token's, a device_secret's session.

    effects  announces token_family.revoked
    """
    token = refresh_tokens.read(presented)
    if token is not None:
        families.revoke_where(
            session, family_id=token.family_id, client_id=client.client_id, reason="signed_out", now=now
        )
        return
    claims = tokens.read(presented, now=now)
    if claims is not None:
        if claims["client_id"] == client.client_id:
            _revoke_access_token(session, claims, now=now)
        return
    live = sessions.by_handle(session, presented, kind="app", now=now)
    if live is not None and live.client_id == client.client_id:
        sessions.end(session, live.id, because="signed_out", now=now)


def _revoke_access_token(session: Session, claims: dict[str, object], *, now: datetime) -> None:
    if "fam" in claims:
        families.revoke_where(session, family_id=UUID(str(claims["fam"])), reason="signed_out", now=now)
    else:
        revocations.add(session, f"jti:{claims['jti']}", now=now)
