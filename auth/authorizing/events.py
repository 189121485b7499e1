"""What signing in with a browser announces."""

from dataclasses import dataclass

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class PartnerLetIn(Event):
    """A customer let a partner have something of them, or more than before."""

    name = "partner.let_in"
    log_only = True

    client_id: str
    scopes: list[str]


@dataclass(frozen=True, kw_only=True)
class PartnerShutOut(Event):
    """A customer took back what they had let a partner have."""

    name = "partner.shut_out"
    log_only = True

    client_id: str
