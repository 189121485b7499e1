"""A request as Authlib reads it: what `wire` has read and held to the rules, and nothing of Flask's."""

from collections.abc import Mapping

from authlib.oauth2.rfc6749 import OAuth2Request
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload

# Authlib refuses http, and behind a proxy that speaks TLS every request is http to us. It looks at this text alone.
_URI = "https://pocketful.invalid/"


class Given(OAuth2Request):  # type: ignore[misc]  # Authlib has no types
    """The parameters of one request; none comes from its query."""

    def __init__(self, given: Mapping[str, str]) -> None:
        super().__init__("POST", _URI)
        self.payload = BasicOAuth2Payload(given)
        self._given = given

    @property
    def form(self) -> Mapping[str, str]:
        return self._given

    @property
    def args(self) -> Mapping[str, str]:
        return {}
