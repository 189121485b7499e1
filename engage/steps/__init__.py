"""The kinds of step that a journey is made of; a new kind is one file and one line here."""

from collections.abc import Callable
from typing import Any

from core.notes import Notes
from engage.steps.ab import Ab, parse_ab
from engage.steps.base import (
    Arm,
    Ask,
    AskCall,
    AskCredit,
    AskFacts,
    AskStaff,
    AskTrait,
    AskVoucher,
    Branch,
    End,
    Go,
    Move,
    Pause,
    Pausing,
    Run,
    Step,
    Where,
)
from engage.steps.branch import BranchOff, parse_branch
from engage.steps.credit import Credit, parse_credit
from engage.steps.exit import parse_exit
from engage.steps.issue_gift_card import IssueGiftCard, parse_issue_gift_card
from engage.steps.issue_voucher import IssueVoucher, parse_issue_voucher
from engage.steps.message import SendMessage, parse_message
from engage.steps.notify_staff import NotifyStaff, parse_notify_staff
from engage.steps.setting import Setting
from engage.steps.split import Split, parse_split
from engage.steps.update_trait import UpdateTrait, parse_update_trait
from engage.steps.wait import Wait, parse_wait
from engage.steps.wait_until import WaitUntil, parse_wait_until
from engage.steps.webhook import Webhook, parse_webhook

__all__ = [
    "Ab",
    "Credit",
    "IssueGiftCard",
    "NotifyStaff",
    "Setting",
    "Split",
    "UpdateTrait",
    "WaitUntil",
    "Webhook",
    "KINDS",
    "Arm",
    "Ask",
    "AskCall",
    "AskCredit",
    "AskFacts",
    "AskStaff",
    "AskTrait",
    "AskVoucher",
    "Branch",
    "BranchOff",
    "End",
    "Go",
    "IssueVoucher",
    "Move",
    "Pause",
    "Pausing",
    "Run",
    "SendMessage",
    "Step",
    "Wait",
    "Where",
]

_Parse = Callable[[dict[str, Any], Notes], Step]


def _alone(parse: _Parse) -> Callable[[dict[str, Any], Notes, Setting], Step]:
    """Of a kind that needs to know nothing of its journey."""
    return lambda raw, notes, _: parse(raw, notes)


KINDS: dict[str, Callable[[dict[str, Any], Notes, Setting], Step]] = {
    "issue_voucher": _alone(parse_issue_voucher),
    "issue_gift_card": _alone(parse_issue_gift_card),
    "credit": _alone(parse_credit),
    "message": parse_message,
    "wait": _alone(parse_wait),
    "wait_until": _alone(parse_wait_until),
    "branch": parse_branch,
    "split": _alone(parse_split),
    "ab": _alone(parse_ab),
    "update_trait": _alone(parse_update_trait),
    "webhook": parse_webhook,
    "notify_staff": _alone(parse_notify_staff),
    "exit": _alone(parse_exit),
}
