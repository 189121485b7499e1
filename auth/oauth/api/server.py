"""Authlib's server over our clients: it finds the grant that a request asks for; what is granted is decided by our own
functions. No generator of tokens is registered with it, so that it can make none by itself."""

from collections.abc import Iterable
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import OAuth2Request
from flask import Response

from auth.errors import OAuthRefusal
from auth.oauth.api import wire
from auth.oauth.api.grants import GRANTS
from auth.oauth.api.requests import Given
from auth.oauth.clients import Client


class Server(AuthorizationServer):  # type: ignore[misc]  # Authlib has no types
    def create_oauth2_request(self, request: Given) -> Given:
        return request

    def authenticate_client(self, request: OAuth2Request, methods: Iterable[str], endpoint: str = "token") -> Client:
        client = wire.client(request.form)
        request.auth_method = client.auth_method
        return client

    def handle_response(self, status: int, payload: dict[str, Any], headers: Iterable[tuple[str, str]]) -> Response:
        if status >= 400:
            return wire.refused(OAuthRefusal(payload["error"], payload.get("error_description", ""), status=status))
        return wire.answer(payload, status)

    def send_signal(self, name: str, *_: Any, **__: Any) -> None:
        """Nobody listens."""


server = Server()
for grant in GRANTS:
    server.register_grant(grant)
