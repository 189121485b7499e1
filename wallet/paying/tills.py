"""Tills: the terminals at which people pay, and the names that their deeds have in the ledger."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from core import ids
from core.money import SANDBOX
from wallet.errors import LimitExceeded


@dataclass(frozen=True, slots=True, kw_only=True)
class Till:
    """A terminal, where it stands and whose it is."""

    merchant_id: UUID
    store_id: UUID
    terminal_id: UUID

    @property
    def is_sandbox(self) -> bool:
        """Whether it deals in nothing real."""
        return ids.is_sandbox(self.merchant_id)

    def takes(self, currency: str) -> bool:
        """Whether it deals in this money at all: a sandbox's till in its own alone, all others in any other."""
        return (currency == SANDBOX) == self.is_sandbox

    @property
    def principal(self) -> str:
        return principal_of(self.terminal_id)


def principal_of(terminal_id: UUID) -> str:
    """Under this name a terminal's payments and holds stand in the ledger, each with the till's reference as its key.

    (Its requests' idempotency keys stand under another one, so that a key cannot be taken for a reference.)
    """
    return f"till:{terminal_id}"


@contextmanager
def told_to_tills() -> Iterator[None]:
    """Tell a till that a limit stands in the way, and not which one or what its customer has left of it."""
    try:
        yield
    except LimitExceeded as refusal:
        raise LimitExceeded from refusal
