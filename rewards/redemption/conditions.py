"""The conditions of using a voucher that do not hang on what other vouchers of the basket take off."""

from core.errors import Refusal
from rewards.campaigns import holdouts, schedules
from rewards.errors import (
    ConditionsNotMet,
    CurrencyMismatch,
    LimitReached,
    MinimumSpend,
    NotInAudience,
    VoucherExpired,
    VoucherUnknown,
    VoucherUsedUp,
)
from rewards.redemption.evidence import Evidence, Held, Shown, user_of, uses_of
from wallet.errors import AccountFrozen


def check(evidence: Evidence, shown: Shown, held: Held) -> None:
    """raises  the refusal of the first condition that is not met"""
    of = held.terms
    if held.is_blocked:
        raise VoucherUnknown
    if held.expires_at is not None and shown.at >= held.expires_at:
        raise VoucherExpired(expired_at=held.expires_at.isoformat())
    if of.currency != shown.currency:
        raise CurrencyMismatch(currency=shown.currency, voucher_currency=of.currency)
    if of.is_gift_card:
        if held.customer_id in evidence.frozen:
            raise AccountFrozen
        return  # its value is the holder's: it goes on when its campaign has ended

    of.check_running(shown.at)
    schedules.check(of, shown.at)
    if held.uses_cap is not None and held.used >= held.uses_cap:
        raise VoucherUsedUp(used=held.used, limit=held.uses_cap)
    refusal = over_limit(evidence, shown, held, 0)
    if refusal is not None:
        raise refusal
    if of.audience_id and held.customer_id is None and (of.audience_id, shown.customer_id) not in evidence.invited:
        raise NotInAudience
    # What a customer holds was given to somebody who is not held out; a code that is nobody's was not.
    if held.customer_id is None and shown.customer_id and holdouts.is_held_out(of, shown.customer_id):
        raise NotInAudience
    if shown.basket.total_minor < of.min_spend_minor:
        raise MinimumSpend(total_minor=shown.basket.total_minor, min_spend_minor=of.min_spend_minor)
    if of.rule is not None and not _is_met(evidence, shown, held):
        raise ConditionsNotMet


def _is_met(evidence: Evidence, shown: Shown, held: Held) -> bool:
    rule = evidence.rules.get(held.terms.campaign_id)
    facts = evidence.facts.get((shown, user_of(held, shown.customer_id)))
    return rule is not None and facts is not None and rule.is_met(facts)


def over_limit(evidence: Evidence, shown: Shown, held: Held, amount_minor: int) -> Refusal | None:
    """The refusal of a use worth so much, if a counter that was looked at has less left; with 0 only uses count."""
    if not evidence.left:
        return None
    for use in uses_of(shown, held, amount_minor):
        left = evidence.left.get(use.counted)
        if left is not None and left < use.add:
            return LimitReached(limit=use.cap)
    return None
