"""The kinds of step that a journey is made of; a new kind is one file and one line here."""

from collections.abc import Callable
from typing import Any

from core.notes import Notes
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
from engage.steps.exit import parse_exit
from engage.steps.issue_voucher import IssueVoucher, parse_issue_voucher
from engage.steps.message import SendMessage, parse_message
from engage.steps.wait import Wait, parse_wait

__all__ = [
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

KINDS: dict[str, Callable[[dict[str, Any], Notes], Step]] = {
    "issue_voucher": parse_issue_voucher,
    "message": parse_message,
    "wait": parse_wait,
    "exit": parse_exit,
}
