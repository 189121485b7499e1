"""How OAuth's own endpoints say no by raising, and what staff are told of clients that cannot be."""

from auth.errors import OAuthRefusal
from core.errors import Kind, Refusal


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


class ClientInvalid(Refusal):
    """`errors` names each bad field: {"pointer": "/redirect_uris/0", "detail": "..."}."""

    code = "client_invalid"
    kind = Kind.INVALID
    title = "A client cannot be registered like this"


class ClientIdTaken(Refusal):
    code = "client_id_taken"
    kind = Kind.CONFLICT
    title = "There is a client of this id already"
    constraint = "pk_client"
