"""Who is asking. A door's guard sets the principal before any view runs."""

from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from core.errors import Unauthenticated
from core.web import unproxied


@dataclass(frozen=True, slots=True)
class Principal:
    """A customer, a member of staff, a terminal (bound to a merchant and store) or a server with a write key."""

    kind: Literal["customer", "staff", "terminal", "source"]
    id: UUID
    permissions: frozenset[str] = field(default_factory=frozenset)
    merchant_id: UUID | None = None
    store_id: UUID | None = None
    #: Of the token, where it came of a sign-in: what it hangs from, when (Unix time) and how its owner signed in, and
    #: the thumbprint of the DPoP key that it is bound to.
    client_id: str = ""
    session_id: UUID | None = None
    family_id: UUID | None = None
    auth_time: int = 0
    acr: str = ""
    bound_to: bytes | None = None
    #: Of staff: what `permissions` come of, but for those that were given beside them.
    roles: frozenset[str] = field(default_factory=frozenset)

    #: How ledgers, audit rows and idempotency keys call it: "customer:<uuid>".
    name: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", f"{self.kind}:{self.id}")


def current() -> Principal:
    """The principal of this request.

    raises  Unauthenticated on a door that let nobody in (so a view of the wrong door fails closed)
    """
    principal = unproxied.g().get("principal")
    if not isinstance(principal, Principal):
        raise Unauthenticated
    return principal
