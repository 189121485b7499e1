"""Tills sign in by their key alone (RFC 6749 section 4.4, RFC 7523)."""

from uuid import UUID

from authlib.oauth2.rfc6749 import grants

from auth import merchants
from auth.errors import OAuthRefusal
from auth.oauth import clients
from auth.oauth.api import tills, wire
from auth.oauth.api.grants.base import METHODS, Answer, client_of
from auth.places import terminals
from core import clock
from core.db import transaction


class TillsGrant(grants.ClientCredentialsGrant):  # type: ignore[misc]  # Authlib has no types
    """There is nothing here that a partner's server could do in its own name, so only tills have this grant."""

    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def validate_token_request(self) -> None:
        self.request.client = client = client_of(self)
        if client.kind != clients.TILL:
            raise wire.OAuthError(OAuthRefusal("unauthorized_client", "Only tills come in as themselves"))
        if self.request.form.get("scope"):
            raise wire.OAuthError(OAuthRefusal("invalid_scope", "A till's token has no scope"))

    def create_token_response(self) -> Answer:
        client, now = self.request.client, clock.now()
        with transaction() as session:
            till = merchants.till_of(session, UUID(client.client_id))
            if till.is_active:
                terminals.note_seen(session, till.terminal_id, now=now)
        return 200, tills.token(till, now=now), []
