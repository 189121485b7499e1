"""Refusals: every way in which we say no, with a stable code. The doors render them as RFC 9457 problems."""

from collections.abc import Iterator
from enum import Enum
from typing import Any, ClassVar


class Kind(Enum):
    """What sort of no it is. `core.web.problems` gives each its HTTP status; nothing below a door knows statuses."""

    MALFORMED = "malformed"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    TOO_LARGE = "too_large"
    INVALID = "invalid"
    REFUSED = "refused"
    LIMITED = "limited"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"


class Refusal(Exception):
    """A no that the caller is told. Subclasses set `code`, `kind` and `title`; instances add a detail and facts.

    constraint  the database constraint whose violation means this refusal; `core.db` translates it
    facts       JSON-ready extension members of the problem (RFC 9457 section 3.2), safe to show the caller
    """

    code: ClassVar[str] = "refused"
    kind: ClassVar[Kind] = Kind.REFUSED
    title: ClassVar[str] = "The request was refused"
    constraint: ClassVar[str | None] = None
    retry_after_seconds: int | None = None
    #: How to show who one is, where the kind is UNAUTHENTICATED (RFC 9110 section 11.6.1).
    challenge: str = 'Bearer realm="pocketful"'
    #: An earlier answer under the same idempotency key, given again.
    is_replayed: bool = False

    def __init__(self, detail: str | None = None, **facts: Any) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.facts = facts

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed later, unchanged."""
        return self.kind in (Kind.LIMITED, Kind.UNAVAILABLE, Kind.INTERNAL) or self.retry_after_seconds is not None

    @property
    def is_final(self) -> bool:
        """Whether an idempotency key keeps this answer for ever: business refusals, never 401, 403, 409, 429, 5xx."""
        return self.kind in (Kind.REFUSED, Kind.NOT_FOUND)


class NotFound(Refusal):
    """Also for what is someone else's: a stranger learns nothing of its existence."""

    code = "not_found"
    kind = Kind.NOT_FOUND
    title = "There is no such thing, or it is not yours"


class Forbidden(Refusal):
    code = "forbidden"
    kind = Kind.FORBIDDEN
    title = "You may not do this"


class Unauthenticated(Refusal):
    code = "unauthenticated"
    kind = Kind.UNAUTHENTICATED
    title = "Sign in first"


class InvalidInput(Refusal):
    """`errors=[{"pointer": "/amount_minor", "detail": "..."}]` names each bad field."""

    code = "invalid_input"
    kind = Kind.INVALID
    title = "Some of the input is invalid"


class Unstorable(Refusal):
    """The last guard: a schema should have refused the value, naming its field."""

    code = "unstorable_input"
    kind = Kind.INVALID
    title = "A value is too large, or of a form that cannot be stored"


class Malformed(Refusal):
    code = "malformed"
    kind = Kind.MALFORMED
    title = "The request could not be read"


class PayloadTooLarge(Refusal):
    code = "payload_too_large"
    kind = Kind.TOO_LARGE
    title = "The request is too large"


class Busy(Refusal):
    code = "busy"
    kind = Kind.UNAVAILABLE
    title = "Too busy just now; the same request may be sent again"
    retry_after_seconds = 1


class DatabaseUnavailable(Refusal):
    code = "database_unavailable"
    kind = Kind.UNAVAILABLE
    title = "The database cannot be reached just now"
    retry_after_seconds = 2


class InternalError(Refusal):
    """Our own fault: it is logged with its trace, and told without its words."""

    code = "internal_error"
    kind = Kind.INTERNAL
    title = "Something went wrong on our side; the same request may be sent again with the same Idempotency-Key"


def every_refusal(root: type[Refusal] = Refusal) -> Iterator[type[Refusal]]:
    """Every refusal class that is loaded, for translation by constraint and for the house tests."""
    yield root
    for child in root.__subclasses__():
        yield from every_refusal(child)


def of_constraint(name: str) -> type[Refusal] | None:
    """The refusal that a database constraint's violation means, if any room gave it one."""
    return next((kind for kind in every_refusal() if kind.__dict__.get("constraint") == name), None)


class ConfigurationError(Exception):
    """The process cannot start as it is set up; the message is the one line that an operator reads."""
