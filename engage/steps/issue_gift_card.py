"""issue_gift_card: give the customer a gift card of a campaign, filled out of the campaign's budget.

The deed is that of `issue_voucher`; a step of its own says what the campaign must be, and is checked for it.
"""

from dataclasses import dataclass
from typing import Any

from core.notes import Notes
from engage.steps.issue_voucher import IssueVoucher, parse_issue_voucher


@dataclass(frozen=True)
class IssueGiftCard(IssueVoucher):
    kind: str = "issue_gift_card"


def parse_issue_gift_card(raw: dict[str, Any], notes: Notes) -> IssueGiftCard:
    step = parse_issue_voucher(raw, notes)
    return IssueGiftCard(step.campaign_id, next=step.next, on_refused=step.on_refused)
