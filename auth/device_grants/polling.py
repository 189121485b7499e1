"""What a device asks again and again, until a person has decided (RFC 8628 section 3.5)."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from auth import notices, opaque, sessions
from auth.device_grants.asking import INTERVAL_SECONDS
from auth.device_grants.models import APPROVED, DENIED, SPENT, DeviceGrant
from auth.dpop import binding
from auth.errors import OAuthRefusal
from auth.oauth import families, rotating, scopes
from auth.oauth.clients import Client
from auth.proofs import Grant

#: A request that was on its way for less time than the one before comes sooner after it than it was sent.
_JITTER = timedelta(milliseconds=500)
#: However often a device asks too soon, it is not told to wait for longer than this.
_MOST_SECONDS = 60

#: Who said yes sat before another device, and may have been talked into it: so whatever asks for a fresh sign-in (a new
#: passkey, another number) asks for one on this device. OpenID Connect Core has "0" for what is no proof by itself.
_ACR = "0"


def poll(
    session: Session,
    *,
    client: Client,
    device_code: str,
    jkt: bytes | None,
    address: str | None = None,
    agent: str | None = None,
    now: datetime,
) -> Grant | UUID | OAuthRefusal:
    """What became of a device's question: tokens of who said yes, or the id of the terminal that a till is now. Of any
    number at one moment, exactly one gets it.

    jkt      thumbprint of the key that this request proved
    effects  who asks too soon has to wait five seconds longer from then on; customers are told of what was let in
    """
    kept = opaque.kept("device_code", device_code)
    query = select(DeviceGrant).where(DeviceGrant.device_code == kept).with_for_update()
    grant = session.scalar(query.execution_options(populate_existing=True))
    if grant is None or grant.client_id != client.client_id or grant.status == SPENT:
        return OAuthRefusal("invalid_grant", "This device_code does not work (any more)")
    if grant.jkt is not None and grant.jkt != jkt:
        return OAuthRefusal("invalid_grant", "A device proves the key that it proved when it asked")
    if now >= grant.expires_at:
        return OAuthRefusal("expired_token", "Nobody said yes in time: ask anew and show the new code")
    if grant.status == DENIED:
        return OAuthRefusal("access_denied", "The person said no")
    wait = timedelta(seconds=grant.interval_seconds) - _JITTER
    is_soon = grant.polled_at is not None and now < grant.polled_at + wait
    grant.polled_at = now
    if is_soon:
        grant.interval_seconds = min(grant.interval_seconds + INTERVAL_SECONDS, _MOST_SECONDS)
        return OAuthRefusal("slow_down", f"Wait {grant.interval_seconds} seconds between two questions")
    if grant.status != APPROVED:
        return OAuthRefusal("authorization_pending", "Nobody has typed the code yet")

    grant.status = SPENT
    if grant.terminal_id is not None:
        return grant.terminal_id
    return _signed_in(session, grant, client, jkt=jkt, address=address, agent=agent, now=now)


def forget(session: Session, *, now: datetime, most: int) -> int:
    """Drop up to `most` grants that ran out a day ago; returns how many."""
    over = select(DeviceGrant.id).where(DeviceGrant.expires_at <= now - timedelta(days=1)).limit(most)
    gone = delete(DeviceGrant).where(DeviceGrant.id.in_(over)).returning(DeviceGrant.id)
    return len(session.execute(gone).all())


def _signed_in(
    session: Session,
    grant: DeviceGrant,
    client: Client,
    *,
    jkt: bytes | None,
    address: str | None,
    agent: str | None,
    now: datetime,
) -> Grant | OAuthRefusal:
    """A session of the device's own, so that it can be signed out by itself."""
    assert grant.session_id is not None
    live = sessions.by_id(session, grant.session_id, now=now)
    # The person first, then the session: as whoever suspends them locks the two.
    is_active = live is not None and rotating.is_active(session, live.proved.owner, is_held=True)
    if live is None or not is_active or sessions.by_id(session, live.id, now=now, is_held=True) is None:
        return OAuthRefusal("access_denied", "Who said yes has signed out since")
    proved = replace(live.proved, acr=_ACR)
    begun = sessions.begin(
        session, proved=proved, kind="app", client_id=client.client_id, address=address, agent=agent, now=now
    )
    bound = None if binding.level_of(client.dpop, client.kind) == "no" else jkt
    if proved.owner.customer_id is not None:
        notices.tell(session, proved.owner.customer_id, notices.DEVICE_LET_IN, now=now)
    granted = families.begin(
        session, client=client, proved=proved, session_id=begun.id, scope=grant.scope, jkt=bound, now=now
    )
    is_shared = scopes.has(grant.scope, scopes.DEVICE_SSO) and client.sso_group is not None
    return replace(granted, device_secret=begun.handle if is_shared else None)
