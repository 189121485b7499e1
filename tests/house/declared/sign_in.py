"""What stands open to every client: OAuth's and OpenID Connect's own operations."""

from tests.house.declared.principals import PROTOCOL, PUBLIC

SIGN_IN = {
    "GET /oauth/authorize": PROTOCOL,
    "POST /oauth/authorize": PROTOCOL,
    "POST /oauth/par": PROTOCOL,
    "GET /oauth/logout": PROTOCOL,
    "POST /oauth/logout": PROTOCOL,
    "POST /oauth/authorize-challenge": PROTOCOL,
    "POST /oauth/device_authorization": PROTOCOL,
    "POST /oauth/token": PROTOCOL,
    "POST /oauth/revoke": PROTOCOL,
    "POST /oauth/introspect": PROTOCOL,
    "GET /oauth/userinfo": PROTOCOL,
    "POST /oauth/userinfo": PROTOCOL,
    "GET /.well-known/jwks.json": PUBLIC,
    "GET /.well-known/oauth-authorization-server": PUBLIC,
    "GET /.well-known/openid-configuration": PUBLIC,
}
