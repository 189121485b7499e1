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
class AudiencePublished(Event):
    """A campaign was published to an audience: each customer up to `reached` has had their turn, the held out by none.

    reached       the last one in the order of ids; None where nobody had theirs
    begun_at      when the first turn may have been
    holdout_bps, holdout_salt   by which those who were to go without were drawn
    """

    name = "audience.published"

    batch_id: UUID
    campaign_id: UUID
    audience_id: UUID
    reached: UUID | None
    begun_at: str
    holdout_bps: int
    holdout_salt: UUID


@dataclass(frozen=True, kw_only=True)
class VoucherClaimed(Event):
    """A customer made a code theirs; one of a generic code has a voucher of their own now."""

    name = "voucher.claimed"
    log_only = True

    voucher_id: UUID
    campaign_id: UUID
    is_from_generic: bool
