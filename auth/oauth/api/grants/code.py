"""An authorization code for tokens (RFC 6749 section 4.1.3)."""

from authlib.oauth2.rfc6749 import grants
from flask import request

from auth.oauth import codes
from auth.oauth.api import answers, proving, wire
from auth.oauth.api.grants.base import METHODS, Answer, client_of, told
from core import clock
from core.db import transaction


class CodeGrant(grants.AuthorizationCodeGrant):  # type: ignore[misc]  # Authlib has no types
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def validate_token_request(self) -> None:
        given = self.request.form
        self.request.client = client = client_of(self)
        self.code = wire.required(given, "code")
        self.verifier = given.get("code_verifier") if client.is_confidential else wire.required(given, "code_verifier")

    def create_token_response(self) -> Answer:
        client, given, now = self.request.client, self.request.form, clock.now()
        proven = proving.take(client, now=now)
        with transaction() as session:
            outcome = codes.redeem(
                session,
                client=client,
                code=self.code,
                verifier=self.verifier,
                redirect_uri=given.get("redirect_uri"),
                jkt=proven,
                device_secret=given.get("device_secret"),
                address=request.remote_addr,
                agent=request.user_agent.string,
                now=now,
            )
        return 200, answers.with_id_token(client, told(outcome), now), []
