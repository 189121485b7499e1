"""What campaigns announce beside their statuses."""

from dataclasses import dataclass
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class CampaignChanged(Event):
    name = "campaign.changed"
    log_only = True

    campaign_id: UUID
    revision: int


@dataclass(frozen=True, kw_only=True)
class CampaignCopied(Event):
    """campaign_id is the copy."""

    name = "campaign.copied"
    log_only = True

    campaign_id: UUID
    copied_from: UUID


@dataclass(frozen=True, kw_only=True)
class CampaignApprovalDecided(Event):
    """is_approved: the campaign may run with up to asked_minor."""

    name = "campaign.approval_decided"
    log_only = True

    campaign_id: UUID
    is_approved: bool
    asked_minor: int


@dataclass(frozen=True, kw_only=True)
class CampaignReleased(Event):
    """What an ended campaign had left went back to its funders."""

    name = "campaign.released"
    log_only = True

    campaign_id: UUID
    amount_minor: int
    currency: str
