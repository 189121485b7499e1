"""What our grants have in common."""

from typing import Any

from auth.errors import OAuthRefusal
from auth.oauth.api import wire
from auth.oauth.clients import Client

#: How a client may show itself; which of them it has to use is its own row's.
METHODS = ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"]

Answer = tuple[int, dict[str, Any], list[tuple[str, str]]]


def client_of(grant: Any) -> Client:
    """The client of a token request, which may use this grant.

    raises  OAuthError
    """
    client: Client = grant.authenticate_token_endpoint_client()
    if not client.check_grant_type(grant.GRANT_TYPE):
        raise wire.OAuthError(OAuthRefusal("unauthorized_client", "This client may not use this grant_type"))
    return client


def told(outcome: Any) -> Any:
    """What came of a transaction, now that it is committed.

    raises  OAuthError for a refusal
    """
    if isinstance(outcome, OAuthRefusal):
        raise wire.OAuthError(outcome)
    return outcome
