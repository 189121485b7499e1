"""issue_voucher: give the customer a voucher of a campaign, once for each visit of the step."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core.notes import Notes
from engage.steps.base import AskVoucher, Branch, Go, Move, Run, Where

_MEMBERS = frozenset(("kind", "campaign_id", "next", "on_refused"))


@dataclass(frozen=True)
class IssueVoucher:
    """on_refused: where the walk goes when the campaign gives none (its budget is spent); None ends it."""

    campaign_id: UUID
    next: Branch
    on_refused: Branch
    kind: str = "issue_voucher"
    gives_voucher_on: str | None = "next"
    needs_voucher: str | None = None
    pauses: bool = False

    @property
    def branches(self) -> dict[str, Branch]:
        return {"next": self.next, "on_refused": self.on_refused}

    def enter(self, where: Where, run: Run, *, now: datetime) -> Move:
        if where.is_held_out:
            run.outcome = "held_out"
            return Go(self.next)
        return AskVoucher(self.campaign_id)


def parse_issue_voucher(raw: dict[str, Any], notes: Notes) -> IssueVoucher:
    notes.object_(raw, allowed=_MEMBERS, required=frozenset(("campaign_id",)))
    return IssueVoucher(_campaign(raw.get("campaign_id"), notes), raw.get("next"), raw.get("on_refused"))


def _campaign(raw: Any, notes: Notes) -> UUID:
    try:
        return UUID(raw)
    except (TypeError, ValueError, AttributeError):
        if raw is not None:
            notes.at("campaign_id").say("Must be the id of a campaign.")
        return UUID(int=0)
