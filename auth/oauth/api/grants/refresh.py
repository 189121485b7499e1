"""A refresh token for the next one (RFC 6749 section 6): one statement where all is well."""

from authlib.oauth2.rfc6749 import grants

from auth.errors import OAuthRefusal
from auth.oauth import refresh_tokens, rotating
from auth.oauth.api import answers, proving, wire
from auth.oauth.api.grants.base import METHODS, Answer, client_of, told
from auth.proofs import Grant
from core import clock
from core.db import statement, transaction


class RefreshGrant(grants.RefreshTokenGrant):  # type: ignore[misc]  # Authlib has no types
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def validate_token_request(self) -> None:
        self.request.client = client_of(self)
        self.presented = refresh_tokens.read(wire.required(self.request.form, "refresh_token"))

    def create_token_response(self) -> Answer:
        client, presented, now = self.request.client, self.presented, clock.now()
        if presented is None:
            raise wire.OAuthError(rotating.refused())
        jkt = proving.take(client, now=now)

        outcome: Grant | OAuthRefusal | None = None
        if not self.request.form.get("scope"):
            with statement() as connection:
                outcome = rotating.at_once(connection, client, presented, jkt, now=now)
        if outcome is None:
            with transaction() as session:
                outcome = rotating.under_lock(
                    session, client, presented, jkt, asked=self.request.form.get("scope", ""), now=now
                )
        grant = told(outcome)
        if grant.jkt is None and proving.is_needed(client):
            # Of a sign-in from before the client had to prove a key: whoever holds this token could bring one.
            raise wire.OAuthError(rotating.refused())
        return 200, answers.tokens_of(client, grant, now), []
