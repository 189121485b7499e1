"""What codes in bulk announce: once for a batch, since its codes are nobody's yet."""

from dataclasses import dataclass
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class CodesMade(Event):
    name = "codes.made"
    log_only = True

    batch_id: UUID
    campaign_id: UUID
    count: int


@dataclass(frozen=True, kw_only=True)
class CodesImported(Event):
    name = "codes.imported"
    log_only = True

    batch_id: UUID
    campaign_id: UUID
    count: int
    refused: int


@dataclass(frozen=True, kw_only=True)
class VoucherClaimed(Event):
    """A customer made a code theirs; one of a generic code has a voucher of their own now."""

    name = "voucher.claimed"
    log_only = True

    voucher_id: UUID
    campaign_id: UUID
    is_from_generic: bool
