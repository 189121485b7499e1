"""What stands open to every client: OAuth's and OpenID Connect's own operations."""

from tests.house.declared.principals import PROTOCOL, PUBLIC

SIGN_IN = {
    "POST /oauth/authorize-challenge": PROTOCOL,
    "POST /oauth/token": PROTOCOL,
    "POST /oauth/revoke": PROTOCOL,
    "GET /.well-known/jwks.json": PUBLIC,
    "GET /.well-known/oauth-authorization-server": PUBLIC,
}
