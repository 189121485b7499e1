"""The device_secret of one app for tokens of another (RFC 8693, OpenID Connect Native SSO)."""

from authlib.oauth2.rfc6749 import grants

from auth import tokens
from auth.errors import OAuthRefusal
from auth.oauth import metadata
from auth.oauth.api import answers, proving, wire
from auth.oauth.api.grants.base import METHODS, Answer, client_of, told
from auth.sessions import exchanging
from auth.sessions.exchanging import ACCESS_TOKEN, DEVICE_SECRET, ID_TOKEN
from core import clock
from core.db import transaction


class ExchangeGrant(grants.BaseGrant, grants.TokenEndpointMixin):  # type: ignore[misc]  # Authlib has no types
    """Authlib has no token exchange; what of it is ours is one profile."""

    GRANT_TYPE = metadata.EXCHANGE_GRANT
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def validate_token_request(self) -> None:
        given = self.request.form
        self.request.client = client_of(self)
        types = [wire.required(given, f"{name}_token_type") for name in ("subject", "actor")]
        if types != [ID_TOKEN, DEVICE_SECRET] or given.get("requested_token_type", ACCESS_TOKEN) != ACCESS_TOKEN:
            raise wire.invalid("Exchange an id_token, by a device-secret, for an access_token")
        if wire.required(given, "audience").rstrip("/") != tokens.issuer():
            raise wire.OAuthError(OAuthRefusal("invalid_target", "The audience is our issuer"))
        self.asked = exchanging.Asked(
            id_token=wire.required(given, "subject_token"),
            device_secret=wire.required(given, "actor_token"),
            scope=given.get("scope", ""),
        )

    def create_token_response(self) -> Answer:
        client, now = self.request.client, clock.now()
        jkt = proving.take(client, now=now)
        with transaction() as session:
            outcome = exchanging.exchange(session, client, self.asked, jkt=jkt, now=now)
        return 200, {**answers.with_id_token(client, told(outcome), now), "issued_token_type": ACCESS_TOKEN}, []
