"""The gate: what the rooms above say of a message right before it leaves.

Delivery knows no consent and no quiet hours. The wiring hands it a gate, which every message passes again when it is
about to be sent: hours may lie between its author's decision and that moment.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class AtGate:
    """A message as its gate sees it: whose it is and what its author laid down, never an address nor a text.

    gate        what the author said that it is to be asked with, opaque to delivery
    address_id  the author's own id of the address (a device); reference: the author's own id of what sent it
    """

    id: UUID
    customer_id: UUID
    channel: str
    purpose: str
    due_at: datetime
    expires_at: datetime | None
    created_at: datetime
    gate: Mapping[str, Any]
    address_id: UUID | None
    reference: UUID | None


@dataclass(frozen=True, slots=True)
class Pass:
    """It may leave now."""


@dataclass(frozen=True, slots=True)
class PutOff:
    """It waits until then, and is asked about again."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Drop:
    """It never leaves. reason: a code, which stands on the message and in its event"""

    reason: str


Verdict = Pass | PutOff | Drop

#: gate(session, messages, now): a verdict for each message by its id; those that it leaves out pass. It is asked in the
#: transaction that takes the messages up, so what it writes (a frequency cap given back) commits with its verdicts.
Gate = Callable[[Session, Sequence[AtGate], datetime], Mapping[UUID, Verdict]]


def open_gate(_: Session, __: Sequence[AtGate], ___: datetime) -> Mapping[UUID, Verdict]:
    """Where nobody above has a say: everything passes."""
    return {}
