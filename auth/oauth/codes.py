"""Authorization codes: proof of a sign-in, worth one family of tokens to who holds the PKCE verifier, for a minute."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from auth import opaque, sessions
from auth.dpop import binding
from auth.errors import OAuthRefusal
from auth.oauth import families, pkce, rotating, scopes
from auth.oauth.clients import Client
from auth.oauth.models import AuthorizationCode
from auth.oauth.models import Client as ClientRow
from auth.proofs import Grant, Owner, Proved
from auth.sessions import device_secrets

TTL = timedelta(seconds=60)
#: A code that comes back after its redemption is a theft's sign for as long as the row is kept.
KEPT_FOR = timedelta(days=1)


def issue(
    session: Session,
    *,
    client: Client,
    proved: Proved,
    scope: str,
    code_challenge: str | None,
    redirect_uri: str | None = None,
    nonce: str | None = None,
    jkt: bytes | None = None,
    session_id: UUID | None = None,
    device_id: str | None = None,
    now: datetime,
) -> str:
    """A code for who has just proved themselves.

    code_challenge  None for a confidential client alone
    redirect_uri    where it was sent to, which its redemption has to name; None where it was sent nowhere
    jkt             the DPoP key that alone may redeem it
    session_id      the session in which it was asked; None: redeeming it begins one
    """
    if code_challenge is None and not client.is_confidential:
        raise ValueError("a public client's code needs a challenge")
    code = opaque.new()
    session.add(
        AuthorizationCode(
            code=opaque.kept("authorization_code", code),
            client_id=client.client_id,
            customer_id=proved.owner.customer_id,
            staff_id=proved.owner.staff_id,
            session_id=session_id,
            code_challenge=code_challenge,
            scope=scope,
            redirect_uri=redirect_uri,
            nonce=nonce,
            jkt=jkt,
            auth_time=proved.auth_time,
            acr=proved.acr,
            amr=list(proved.amr),
            device_id=device_id,
            expires_at=now + TTL,
        )
    )
    return code


def redeem(
    session: Session,
    *,
    client: Client,
    code: str,
    verifier: str | None,
    redirect_uri: str | None,
    jkt: bytes | None,
    device_secret: str | None = None,
    address: str | None = None,
    agent: str | None = None,
    now: datetime,
) -> Grant | OAuthRefusal:
    """Turn a code into a family of tokens. Of any number at one moment, exactly one gets it.

    jkt            thumbprint of the key that the request proved
    device_secret  of a session of the same owner in an app of the same group, which this sign-in then joins
    effects        a code that comes twice revokes what it gave (RFC 6749 section 4.1.2), if who brings it has the
                   verifier: else whoever saw a code could sign its owner out. Announces customer.signed_in
    """
    kept = opaque.kept("authorization_code", code)
    row = session.scalar(select(AuthorizationCode).where(AuthorizationCode.code == kept).with_for_update())
    if row is None or row.client_id != client.client_id or row.redirect_uri != redirect_uri:
        return _refused()
    if not _is_proved(row, verifier):
        return _refused()
    if row.redeemed_at is not None:
        _undo(session, row, now=now)
        return _refused()
    owner = Owner(customer_id=row.customer_id, staff_id=row.staff_id)
    if now >= row.expires_at or not rotating.is_active(session, owner, is_held=True):
        return _refused()
    if row.jkt is not None and row.jkt != jkt:
        return _refused()
    if row.session_id is not None and sessions.by_id(session, row.session_id, now=now, is_held=True) is None:
        return _refused()

    proved = Proved(owner=owner, auth_time=row.auth_time, acr=row.acr, amr=tuple(row.amr))
    session_id = row.session_id
    secret = device_secrets.of_browser(session_id) if session_id is not None else None
    if session_id is None:
        joined = _joined(session, client, device_secret, owner, now=now)
        if joined is not None:
            session_id, secret = joined, device_secret
        else:
            begun = sessions.begin(
                session, proved=proved, kind="app", client_id=client.client_id, device_id=row.device_id,
                address=address, agent=agent, now=now,
            )  # fmt: skip
            session_id, secret = begun.id, begun.handle
    bound = None if binding.level_of(client.dpop, client.kind) == "no" else jkt
    grant = families.begin(
        session, client=client, proved=proved, session_id=session_id, scope=row.scope, jkt=bound, nonce=row.nonce,
        now=now,
    )  # fmt: skip
    row.redeemed_at, row.family_id = now, grant.family_id
    is_shared = scopes.has(row.scope, scopes.DEVICE_SSO) and client.sso_group is not None
    return replace(grant, device_secret=secret if is_shared else None)


def forget(session: Session, *, now: datetime, most: int) -> int:
    """Drop up to `most` codes that are long over; returns how many."""
    over = select(AuthorizationCode.code).where(AuthorizationCode.expires_at <= now - KEPT_FOR).limit(most)
    gone = delete(AuthorizationCode).where(AuthorizationCode.code.in_(over)).returning(AuthorizationCode.code)
    return len(session.execute(gone).all())


def _is_proved(row: AuthorizationCode, verifier: str | None) -> bool:
    """Whether who brings the code also asked for it; a verifier without a challenge is a mixed-up request."""
    if row.code_challenge is None or verifier is None:
        return row.code_challenge is None and verifier is None
    return pkce.matches(verifier, row.code_challenge)


def _undo(session: Session, row: AuthorizationCode, *, now: datetime) -> None:
    """End what a code gave, and the session where it was the code that began it."""
    family = families.find(session, row.family_id) if row.family_id is not None else None
    if family is None:
        return
    if row.session_id is None and not families.are_others_in(session, family):
        # The session first, then its families: as everybody locks them.
        sessions.end(session, family.session_id, because="code_reused", now=now)
    else:
        families.revoke_where(session, family_id=family.id, reason="code_reused", now=now)


def _joined(session: Session, client: Client, device_secret: str | None, owner: Owner, *, now: datetime) -> UUID | None:
    """The session of a device_secret that a code exchange may join; a stale one counts as none."""
    if device_secret is None or client.sso_group is None:
        return None
    live = sessions.by_handle(session, device_secret, kind="app", now=now, is_held=True)
    if live is None or live.proved.owner != owner:
        return None
    group = session.scalar(select(ClientRow.sso_group).where(ClientRow.client_id == live.client_id))
    return live.id if group == client.sso_group else None


def _refused() -> OAuthRefusal:
    return OAuthRefusal("invalid_grant", "This code does not work (any more)")
