"""issue_voucher: give the customer a voucher of a campaign, once for each visit of the step."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from core.notes import Notes
from engage.steps.base import AskVoucher, Giving

_MEMBERS = frozenset(("kind", "campaign_id", "next", "on_refused"))


@dataclass(frozen=True)
class IssueVoucher(Giving):
    """It is refused where the campaign gives none: its budget is spent."""

    campaign_id: UUID
    kind: str = "issue_voucher"
    gives_voucher_on: str | None = field(default="next", init=False)

    @property
    def asks(self) -> AskVoucher:
        return AskVoucher(self.campaign_id)


def parse_issue_voucher(raw: dict[str, Any], notes: Notes) -> IssueVoucher:
    notes.object_(raw, allowed=_MEMBERS, required=frozenset(("campaign_id",)))
    return IssueVoucher(
        _campaign(raw.get("campaign_id"), notes), next=raw.get("next"), on_refused=raw.get("on_refused")
    )


def _campaign(raw: Any, notes: Notes) -> UUID:
    try:
        return UUID(raw)
    except (TypeError, ValueError, AttributeError):
        if raw is not None:
            notes.at("campaign_id").say("Must be the id of a campaign.")
        return UUID(int=0)
