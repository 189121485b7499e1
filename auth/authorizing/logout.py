"""Signing out as a client asks for it (OpenID Connect RP-Initiated Logout 1.0): who may say so without asking.

Authlib's endpoint is not taken: it believes an id token of whatever age, by whatever algorithm a key of ours can do.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from auth.authorizing import hints
from auth.authorizing.deciding import NoWayBack
from auth.oauth import clients
from auth.oauth.models import TokenFamily
from auth.sessions.models import LoginSession

_LONGEST_STATE = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A sign-out that a client asks for.

    sid  the sign-in that its id token tells of
    uri  where the browser goes afterwards; None: it stays with us
    """

    client_id: str | None
    sid: UUID | None
    uri: str | None
    state: str | None


def read(given: Mapping[str, str], doubled: Collection[str], *, now: datetime) -> Asked:
    """raises  NoWayBack where it names two clients, or a place to go to that its client has not registered"""
    if doubled:
        raise NoWayBack("The site that you came from named something twice.")
    hint = hints.read(given["id_token_hint"], now=now) if "id_token_hint" in given else None
    client_id = given.get("client_id", hint.client_id if hint else None)
    if hint is not None and hint.client_id != client_id:
        raise NoWayBack("The site that you came from is not the one that you signed in to.")
    client = clients.find(client_id) if client_id is not None else None
    if client_id is not None and client is None:
        raise NoWayBack("The site that you came from is not known here.")
    uri = given.get("post_logout_redirect_uri")
    if uri is not None and (client is None or not client.is_active or uri not in client.logout_uris):
        raise NoWayBack("The site that you came from named a wrong place to go on to.")
    state = given.get("state")
    return Asked(
        client_id=client_id,
        sid=hint.sid if hint is not None else None,
        uri=uri,
        state=state if uri is not None and state is not None and len(state) <= _LONGEST_STATE else None,
    )


def session_of(session: Session, sid: UUID | None) -> UUID | None:
    """The session that a client's `sid` leads to: itself, or by the token family that a partner knows."""
    if sid is None:
        return None
    if session.get(LoginSession, sid) is not None:
        return sid
    family = session.get(TokenFamily, sid)
    return family.session_id if family is not None else None
