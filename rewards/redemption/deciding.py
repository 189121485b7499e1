"""What vouchers take off a basket, decided in order; each refusal names the condition that failed, with both values."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from uuid import UUID

from core.errors import Refusal
from rewards.counters import CountedUse
from rewards.discounts import Allocation, Basis
from rewards.errors import VoucherTwice, VoucherUnknown
from rewards.offers import combining, stacking
from rewards.offers.combining import Candidate
from rewards.redemption import conditions, reasons
from rewards.redemption.conditions import Case, Visit
from rewards.redemption.evidence import BEST, Evidence, Held, Shown, user_of
from rewards.redemption.reasons import Missed
from rewards.terms import Terms
from rewards.vouchers import codes
from wallet.ledger import Leg


@dataclass(frozen=True, slots=True)
class Use:
    """One voucher's part in a basket.

    counted    what it takes from counters, in the order of their names, in which everybody locks them
    is_spent   nothing is left on the voucher after it
    lines      what it takes off which line: a coupon's amount in parts
    case       how it was judged
    """

    voucher: Held
    amount_minor: int
    counted: tuple[CountedUse, ...]
    is_spent: bool
    lines: Allocation = ()
    case: Case | None = field(default=None, compare=False, repr=False)

    @property
    def leg(self) -> Leg:
        """Where the value comes from."""
        return Leg(self.voucher.account, -self.amount_minor)

    @property
    def kind(self) -> str:
        return self.voucher.terms.kind

    @property
    def voucher_id(self) -> UUID:
        return self.voucher.id


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A voucher that was shown and is not used. place: in the list; code: what the till is told; missed: None where
    it could be used and there was nothing left for it."""

    place: int
    code: str
    missed: Missed | None = None


def decide(evidence: Evidence, shown: Shown, *, left_out: list[LeftOut] | None = None) -> list[Use]:
    """The uses of the vouchers shown with one basket: coupons in their order, then gift cards for what is left.

    left_out  is filled where the request takes part of what is shown
    raises    the first refusal, with the voucher's place in the list as `voucher`; with BEST such vouchers are left out
    effects   counts the uses in the evidence, unless it raises
    """
    left_out = [] if left_out is None else left_out
    basis = Basis(shown.basket)
    if shown.references == BEST:
        wanted = _best_first(evidence, shown)
        uses = [use for held in wanted if (use := _use_if_worth(evidence, shown, held, basis))]
        return _over_lines(uses, basis)

    uses = []
    try:
        for place, held in _named(evidence, shown):
            try:
                use = _use(evidence, shown, held, basis, [earlier.voucher.terms for earlier in uses])
            except Refusal as refusal:
                missed = _explained(refusal)
                if shown.takes_part:
                    left_out.append(LeftOut(place, refusal.code, missed))
                    continue
                refusal.facts.setdefault("voucher", place)
                raise
            if use:
                uses.append(use)
            elif shown.takes_part:
                left_out.append(LeftOut(place, "adds_nothing"))
    except Refusal:
        give_back(evidence, uses)
        raise
    return _over_lines(uses, basis)


def _explained(refusal: Refusal) -> Missed | None:
    """What a refusal was raised from, explained while everything is as it was decided by."""
    missed = refusal.__cause__
    if not isinstance(missed, Missed):
        return None
    missed.reason = reasons.of(missed.case)
    return missed


def _over_lines(uses: Sequence[Use], basis: Basis) -> list[Use]:
    """The uses with what each coupon takes off which line; a gift card pays, so it takes nothing off."""
    parts = iter(basis.allocation())
    return [
        replace(use, lines=next(parts)) if use.amount_minor and not use.voucher.terms.is_gift_card else use
        for use in uses
    ]


def give_back(evidence: Evidence, uses: Sequence[Use]) -> None:
    """Undo what deciding these uses counted, when their basket is refused after all."""
    for use in uses:
        _count(evidence, use, -1)


def _named(evidence: Evidence, shown: Shown) -> list[tuple[int, Held]]:
    """The vouchers with their places in the list, gift cards behind.

    raises  VoucherUnknown for one that does not exist or is someone else's; VoucherTwice
    """
    found: list[tuple[int, Held]] = []
    for place, reference in enumerate(shown.references):
        if isinstance(reference, str) and codes.is_mistyped(codes.normalise(reference)):
            raise VoucherUnknown.mistyped(voucher=place)
        held = evidence.find(reference)
        if held is None or (shown.customer_id and held.customer_id not in (None, shown.customer_id)):
            raise VoucherUnknown(voucher=place)
        if not shown.till.takes(held.terms.currency):  # a sandbox's voucher in a real shop, or the other way round
            raise VoucherUnknown(voucher=place)
        if any(held.id == other.id for _, other in found):
            raise VoucherTwice(voucher=place)
        found.append((place, held))
    return sorted(found, key=lambda placed: placed[1].terms.is_gift_card)


def _best_first(evidence: Evidence, shown: Shown) -> list[Held]:
    """The customer's coupons that together take most off, then gift cards by which expires first."""
    basis = Basis(shown.basket)
    cases = [(held, case_of(evidence, shown, held, basis)) for held in evidence.held_by(shown.customer_id)]
    fitting = [(held, case) for held, case in cases if conditions.missed(case) is None]
    coupons = {held.id: (held, case) for held, case in fitting if not held.terms.is_gift_card}
    best = combining.best([_candidate(held, case) for held, case in coupons.values()], shown.basket)
    cards = [held for held, _ in fitting if held.terms.is_gift_card]
    cards.sort(key=lambda card: (card.expires_at.timestamp() if card.expires_at else float("inf"), card.id))
    return [*[coupons[each.candidate.id][0] for each in best.chosen], *cards][: stacking.MOST]


def _candidate(held: Held, case: Case) -> Candidate:
    """The coupon with what it would take off alone, and how many such uses its campaign's counters still allow."""
    assert case.priced is not None
    lefts = [case.left[use.counted] // use.add for use in case.uses(case.worth) if use.add and use.counted in case.left]
    return Candidate(
        id=held.id,
        terms=held.terms,
        priced=case.priced,
        expires_at=held.expires_at,
        uses_left=min(lefts, default=None),
        budget_left=case.budget,
    )


def _use_if_worth(evidence: Evidence, shown: Shown, held: Held, basis: Basis) -> Use | None:
    try:
        use = _use(evidence, shown, held, basis)
    except Refusal:
        return None
    if use and not use.amount_minor:
        _count(evidence, use, -1)
        return None
    return use


def _use(evidence: Evidence, shown: Shown, held: Held, basis: Basis, beside: Sequence[Terms] = ()) -> Use | None:
    """One voucher's use of the rest of a basket; None for a gift card that has nothing left to pay."""
    case = case_of(evidence, shown, held, basis, beside)
    reasons.check(case)
    use = _of_gift_card(held, case, basis) if held.terms.is_gift_card else _of_coupon(held, case, basis)
    if use:
        _count(evidence, use, 1)
    return use


def case_of(evidence: Evidence, shown: Shown, held: Held, basis: Basis, beside: Sequence[Terms] = ()) -> Case:
    """A voucher with what is known of it, to be judged by its conditions."""
    of = held.terms
    customer_id = user_of(held, shown.customer_id)
    visit = Visit(evidence.facts_of(shown, customer_id), evidence.audiences.get(shown.customer_id, ()))
    return Case(
        visit,
        of,
        evidence.rules.get(of.campaign_id),
        evidence.scopes.get(of.campaign_id, frozenset()) if of.is_scoped else None,
        is_given=held.customer_id is not None,
        voucher=held,
        basis=basis,
        beside=beside,
        left=evidence.left,
        budget=evidence.funds.available.get(held.account),
        is_frozen=held.customer_id in evidence.frozen,
    )


def _of_gift_card(held: Held, case: Case, basis: Basis) -> Use | None:
    assert case.budget is not None
    amount = min(case.budget, basis.rest_minor)
    basis.rest_minor -= amount
    return Use(held, amount, (), is_spent=amount == case.budget, case=case) if amount else None


def _of_coupon(held: Held, case: Case, basis: Basis) -> Use:
    if case.worth:
        assert case.priced is not None
        basis.take(case.priced)
    is_spent = held.uses_cap is not None and held.used + 1 >= held.uses_cap
    counted = sorted(case.uses(case.worth), key=attrgetter("counted"))
    return Use(held, case.worth, tuple(counted), is_spent=is_spent, case=case)


def _count(evidence: Evidence, use: Use, times: int) -> None:
    use.voucher.used += times
    evidence.funds.take(use.voucher.account, times * use.amount_minor)
    for each in use.counted:
        if each.counted in evidence.left:
            evidence.left[each.counted] -= times * each.add
