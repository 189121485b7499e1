"""Parts about a customer's vouchers. Segments know days alone, so a voucher can be used to the end of its last."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from insights.segments.facts import Facts, Vouchers
from insights.segments.parts import Part, Turns


def holds(campaign_id: UUID | None, about: dict[str, Any]) -> Part:
    """Whether the customer has a voucher that can be used."""

    def turns(facts: Facts) -> date | None:
        days = [day for day in facts.last_days(campaign_id) if day is not None]
        return max(days) + timedelta(days=1) if days and None not in facts.last_days(campaign_id) else None

    return _voucher(campaign_id, about, "is_held", "holds", lambda facts: bool(facts.last_days(campaign_id)), turns)


def redeemed(campaign_id: UUID | None, about: dict[str, Any]) -> Part:
    return _voucher(campaign_id, about, "is_redeemed", "has redeemed", lambda facts: facts.is_redeemed(campaign_id))


def expires_within(campaign_id: UUID | None, within_days: int, about: dict[str, Any]) -> Part:
    """Whether one of the customer's vouchers has its last day today or in the next days."""
    span = timedelta(days=within_days)

    def is_ending(days: Sequence[date], today: date) -> bool:
        return any(today <= day <= today + span for day in days)

    def ends(facts: Facts) -> list[date]:
        return [day for day in facts.last_days(campaign_id) if day is not None]

    def turns(facts: Facts) -> date | None:
        days = ends(facts)
        is_met = is_ending(days, facts.today)
        moments = sorted({each for day in days for each in (day - span, day + timedelta(days=1)) if each > facts.today})
        return next((each for each in moments if is_ending(days, each) is not is_met), None)

    return _voucher(
        campaign_id,
        about,
        "is_ending",
        f"holds, with at most {within_days} days left,",
        lambda facts: is_ending(ends(facts), facts.today),
        turns,
        within_days=within_days,
    )


def _voucher(
    campaign_id: UUID | None,
    about: dict[str, Any],
    column: str,
    label: str,
    test: Callable[[Facts], bool],
    turns: Turns | None = None,
    *,
    within_days: int | None = None,
) -> Part:
    asked = Vouchers(campaign_id)

    def tell(facts: Facts) -> dict[str, Any]:
        is_met = test(facts)
        of = "a voucher of this campaign" if campaign_id else "a voucher"
        says = f"That the customer {label} {of} is {'true' if is_met else 'false'}."
        return {"is_met": is_met, **about, "says": says}

    return Part(
        test=test,
        tell=tell,
        turns=turns,
        sql=lambda query: query.vouchers(asked, column, within_days=within_days),
        needs=frozenset([asked]),
    )
