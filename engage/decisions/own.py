"""The customer's own view: what they were given and sent, and why not, in words for them.

Nobody is told that they were held out: that would be an effect of its own. An offer that a customer was never part of,
for whatever reason, looks the same.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from engage.decisions.listing import Decision

GIVES = frozenset({"issue_voucher", "issue_gift_card", "credit"})


@dataclass(frozen=True, slots=True)
class Told:
    """what: "offer" (something of value) or "message"; outcome: "given", "sent", "not_given" or "not_sent" """

    id: UUID
    what: str
    outcome: str
    words: str
    voucher_id: UUID | None
    at: datetime


def told(decision: Decision) -> Told | None:
    """The decision as its customer may see it; None for what only staff need (waits, branches and the like)."""
    if decision.what == "voucher":
        return _as(decision, "offer", "not_given", _NOT_TAKEN)
    if decision.what == "entry":
        return _as(decision, "offer", "not_given", _NOT_PART)
    if decision.is_held_out:
        gives = decision.what == "broadcast" or decision.kind in GIVES
        return _as(decision, "offer", "not_given", _NOT_PART) if gives else None
    if decision.kind in GIVES:
        if decision.outcome == "refused":
            return _as(decision, "offer", "not_given", _refused(decision))
        if decision.outcome == "held_out":
            return _as(decision, "offer", "not_given", _NOT_PART)
        return _as(decision, "offer", "given", "You were given it.")
    if decision.kind == "message" or decision.what == "broadcast":
        return _message(decision)
    return None


def _message(decision: Decision) -> Told | None:
    if decision.outcome == "refused":
        return _as(decision, "offer", "not_given", _refused(decision))
    if decision.outcome == "sent":
        held_back = [letter for letter in decision.messages if letter.status in ("suppressed", "failed")]
        if held_back and len(held_back) == len(decision.messages):
            return _as(decision, "message", "not_sent", _WORDS.get(held_back[0].because or "", _COULD_NOT))
        return _as(decision, "message", "sent", "We wrote to you.")
    codes = [str(reason.get("code")) for reason in decision.reasons]
    return _as(decision, "message", "not_sent", next((_WORDS[code] for code in codes if code in _WORDS), _COULD_NOT))


def _refused(decision: Decision) -> str:
    codes = {str(reason.get("code")) for reason in decision.reasons}
    return _USED_UP if codes & _SPENT else _NOT_PART


def _as(decision: Decision, what: str, outcome: str, words: str) -> Told:
    return Told(decision.id, what, outcome, words, decision.voucher_id, decision.at)


_NOT_PART = "You were not part of this offer."
_NOT_TAKEN = "A shop did not take your voucher. Its own page says why."
_USED_UP = "The offer was over, or had been used up."
_COULD_NOT = "We could not reach you."

_SPENT = frozenset({"budget_exhausted", "limit_reached", "insufficient_funds", "campaign_not_running"})

_WORDS = {
    "no_consent": "You have not allowed us to write to you there.",
    "opted_out": "You told us STOP.",
    "no_device": "None of your devices takes notifications.",
    "no_email": "We have no e-mail address of yours.",
    "no_phone": "We have no number of yours.",
    "capped": "We had written to you often enough.",
    "quiet": "It was your quiet time.",
    "too_late": "It would have come too late to be of use.",
}
