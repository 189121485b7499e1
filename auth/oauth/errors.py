"""How OAuth's own endpoints say no by raising."""

from auth.errors import OAuthRefusal


class OAuthError(Exception):
    """A request that cannot be read, comes from no client of ours or proves no key: nothing was written that has to
    stay, so it may be raised."""

    def __init__(self, refusal: OAuthRefusal) -> None:
        super().__init__(refusal.description)
        self.refusal = refusal


def invalid_request(description: str) -> OAuthError:
    return OAuthError(OAuthRefusal("invalid_request", description))


def invalid_client(description: str) -> OAuthError:
    return OAuthError(OAuthRefusal("invalid_client", description, status=401))
