"""What a till is told that has shown itself."""

from datetime import datetime
from typing import Any

from auth import merchants, tokens
from auth.errors import OAuthRefusal
from auth.merchants import Till
from auth.oauth.errors import OAuthError


def token(till: Till, *, now: datetime) -> dict[str, Any]:
    """An access token for a merchant's door.

    raises  OAuthError where the till is suspended, or its store, merchant or organisation
    """
    if not till.is_active:
        raise OAuthError(OAuthRefusal("invalid_client", "This till is suspended", status=401))
    minted = tokens.mint(
        merchants.principal_of(till), audience=tokens.MERCHANT, client_id=str(till.terminal_id), now=now
    )
    return {
        "access_token": minted,
        "token_type": "Bearer",
        "expires_in": int(tokens.TTLS[tokens.MERCHANT].total_seconds()),
    }
