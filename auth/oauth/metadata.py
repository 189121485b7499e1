"""What others may know of this server: where everything is, and what it speaks (RFC 8414, OpenID Connect Discovery)."""

from typing import Any

from auth.oauth import clients, scopes
from auth.proofs import MULTI_FACTOR, ONE_FACTOR, PHISHING_RESISTANT

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
EXCHANGE_GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
GRANT_TYPES = ("authorization_code", "refresh_token", "client_credentials", DEVICE_GRANT, EXCHANGE_GRANT)

#: What a client may sign its assertions with (auth.oauth.assertions), and its DPoP proofs (auth.dpop).
ASSERTION_ALGORITHMS = ("ES256", "EdDSA", "Ed25519", "RS256", "PS256")
DPOP_ALGORITHMS = ("ES256", "EdDSA")

_SECRETS = (clients.BASIC, clients.POST, clients.PRIVATE_KEY)


def document(issuer: str) -> dict[str, Any]:
    """Both well-known documents: what is not built (registration, front-channel logout, request objects) is absent, or
    false where absence would mean true."""
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/oauth/authorize",
        "authorization_challenge_endpoint": f"{issuer}/oauth/authorize-challenge",
        "pushed_authorization_request_endpoint": f"{issuer}/oauth/par",
        "device_authorization_endpoint": f"{issuer}/oauth/device_authorization",
        "token_endpoint": f"{issuer}/oauth/token",
        "userinfo_endpoint": f"{issuer}/oauth/userinfo",
        "introspection_endpoint": f"{issuer}/oauth/introspect",
        "revocation_endpoint": f"{issuer}/oauth/revoke",
        "end_session_endpoint": f"{issuer}/oauth/logout",
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "scopes_supported": list(scopes.ALL),
        "claims_supported": [
            "iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid", "at_hash", "ds_hash",
            "locale", "zoneinfo", "birthdate", "email", "email_verified", "phone_number", "phone_number_verified",
        ],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "grant_types_supported": list(GRANT_TYPES),
        "subject_types_supported": ["public", "pairwise"],
        "acr_values_supported": [ONE_FACTOR, MULTI_FACTOR, PHISHING_RESISTANT],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "id_token_signing_alg_values_supported": ["ES256", "RS256"],
        "token_endpoint_auth_methods_supported": [clients.NO_SECRET, *_SECRETS],
        "token_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGORITHMS),
        "revocation_endpoint_auth_methods_supported": [clients.NO_SECRET, *_SECRETS],
        "revocation_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGORITHMS),
        "introspection_endpoint_auth_methods_supported": list(_SECRETS),
        "introspection_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGORITHMS),
        "code_challenge_methods_supported": ["S256"],
        "dpop_signing_alg_values_supported": list(DPOP_ALGORITHMS),
        "authorization_response_iss_parameter_supported": True,
        "require_pushed_authorization_requests": False,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "native_sso_supported": True,
    }  # fmt: skip
