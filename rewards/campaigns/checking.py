"""What a campaign must be like, told to whoever writes it with all faults at once."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from core.db import connection_of
from core.errors import InvalidInput
from core.notes import Notes
from rewards import discounts, rules
from rewards.campaigns import funders, limits, schedules
from rewards.campaigns.drafts import Draft
from rewards.campaigns.errors import FundersInvalid, LimitsInvalid, ScheduleInvalid
from rewards.rules import uses
from rewards.rules.errors import RuleInvalid

#: What says so when nothing else is at fault.
_REFUSALS = {"rule": RuleInvalid, "schedule": ScheduleInvalid, "limits": LimitsInvalid, "funders": FundersInvalid}


def check_all(session: Session, drafts: Sequence[Draft]) -> bool:
    """Whether any of them names a saved rule.

    raises   InvalidInput, or the refusal of the one part that is at fault
    effects  the saved rules that they name stay until the transaction ends
    """
    named = [draft.rule for draft in drafts if draft.rule is not None]
    known = uses.known_to(connection_of(session), named, are_kept=True) if named else {}
    for draft in drafts:
        _check(draft)
        faults = {part: Notes(f"/{part}") for part in _REFUSALS}
        if draft.rule is not None:
            rules.parse(draft.rule, faults["rule"], known=known)
            if draft.kind == "gift_card":
                faults["rule"].say("A gift card pays for everything: it has no rule.")
        if draft.schedule is not None:
            schedules.parse(draft.schedule, faults["schedule"])
            if draft.kind == "gift_card":
                faults["schedule"].say("A gift card pays at any hour: it has no schedule.")
        limits.parse(list(draft.limits), faults["limits"], is_gift_card=draft.kind == "gift_card")
        funders.parse(session, list(draft.funders), faults["funders"])
        _refuse(faults)
    return bool(known)


def _refuse(faults: dict[str, Notes]) -> None:
    found = {part: notes.errors for part, notes in faults.items() if notes.errors}
    if found:
        kind = _REFUSALS[next(iter(found))] if len(found) == 1 else InvalidInput
        raise kind(errors=[error for errors in found.values() for error in errors])


def _check(draft: Draft) -> None:
    discounts.parse(draft.kind, draft.discount)
    faults: list[dict[str, Any]] = []
    if draft.starts_at >= draft.ends_at:
        faults.append({"pointer": "/ends_at", "detail": "must be after starts_at"})
    if draft.skus is not None and (not draft.skus or draft.kind == "gift_card"):
        detail = "a gift card pays for everything" if draft.kind == "gift_card" else "must name a product"
        faults.append({"pointer": "/skus", "detail": detail})
    if faults:
        raise InvalidInput(errors=faults)
