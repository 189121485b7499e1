"""A stretch of baskets at the tills: wallets topped up, vouchers given at their first use, checkouts taken."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from app.demo import source
from app.demo.responses import Responses
from app.demo.source import BasketOf, RedemptionOf
from app.demo.stage import Scene
from core.db import transaction
from core.errors import Refusal
from core.gateways.payments import PaymentGateway
from rewards import checkouts, vouchers
from rewards.baskets import Basket, Line
from rewards.checkouts import Checkout, CheckoutRequest
from rewards.vouchers import Issue
from wallet import topups
from wallet.paying.tills import Till
from wallet.topups import TopupRequest

TOPUP_STEP_MINOR = 200_00


class ReplayRefused(Exception):
    """The system said no to something that really happened."""


@dataclass
class Tills:
    """Plays stretches of baskets, one transaction each for top-ups, vouchers and checkouts.

    _purses  what each household knows to be in its wallet, by number
    _held    vouchers given so far, by household and offer
    """

    scene: Scene
    gateway: PaymentGateway
    responses: Responses
    redemptions: Mapping[int, Sequence[RedemptionOf]]
    _purses: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    _topups: int = 0
    _held: dict[tuple[int, UUID], UUID] = field(default_factory=dict)

    def play(self, baskets: Sequence[BasketOf]) -> None:
        """Play baskets that follow each other in time.

        raises  ReplayRefused naming the basket
        """
        self._top_up(baskets)
        self._give_vouchers(baskets)
        self._check_out(baskets)

    def _top_up(self, baskets: Sequence[BasketOf]) -> None:
        """Bring in what the stretch may need beyond what is there, in whole steps, before its first basket."""
        needs: dict[int, int] = defaultdict(int)
        for basket in baskets:
            needs[basket.household_id] += basket.total_minor
        lacking = {number: need - self._purses[number] for number, need in needs.items()}
        requests = [self._topup(number, amount) for number, amount in lacking.items() if amount > 0]
        if not requests:
            return
        for answer in topups.take_all(requests, gateway=self.gateway, now=baskets[0].occurred_at):
            if isinstance(answer, Refusal):
                raise ReplayRefused(f"a top-up before basket {baskets[0].basket_id}: {answer.detail}") from answer

    def _topup(self, number: int, lacking_minor: int) -> TopupRequest:
        amount_minor = -(-lacking_minor // TOPUP_STEP_MINOR) * TOPUP_STEP_MINOR
        self._purses[number] += amount_minor
        self._topups += 1
        customer_id, key = self.scene.households[number], f"demo-{self._topups}"
        return TopupRequest(
            principal=f"customer:{customer_id}",
            key=key,
            fingerprint=hashlib.sha256(f"{key}|{amount_minor}".encode()).digest(),
            customer_id=customer_id,
            amount_minor=amount_minor,
            currency=self.scene.currency,
            source="sandbox_ok",
        )

    def _give_vouchers(self, baskets: Sequence[BasketOf]) -> None:
        """Give each coupon's voucher at its first use, at the time of that basket."""
        issues: dict[tuple[int, UUID], Issue] = {}
        for basket in baskets:
            for redemption in self.redemptions.get(basket.basket_id, ()):
                name = self._name(redemption)
                if name not in self._held:
                    issues.setdefault(name, self._issue(name, at=basket.occurred_at))
        if issues:
            with transaction() as session:
                given = vouchers.issue_all(session, list(issues.values()), now=baskets[-1].occurred_at)
            self._held |= {name: voucher.id for name, voucher in zip(issues, given, strict=True)}

    def _name(self, redemption: RedemptionOf) -> tuple[int, UUID]:
        return redemption.household_id, self.scene.offers[redemption.campaign_id, redemption.coupon_upc]

    def _issue(self, name: tuple[int, UUID], *, at: datetime) -> Issue:
        household_id, campaign_id = name
        return Issue(
            campaign_id=campaign_id,
            customer_id=self.scene.households[household_id],
            source=f"demo:{campaign_id}:{household_id}",
            at=at,
        )

    def _check_out(self, baskets: Sequence[BasketOf]) -> None:
        requests = [self._request(basket) for basket in baskets]
        with transaction() as session:
            outcomes = checkouts.take_all(session, requests, now=baskets[-1].occurred_at)
            for basket, outcome in zip(baskets, outcomes, strict=True):
                if isinstance(outcome, Refusal):
                    raise ReplayRefused(f"basket {basket.basket_id}: {outcome.code}: {outcome.detail}") from outcome
        for basket, outcome in zip(baskets, outcomes, strict=True):
            assert isinstance(outcome, Checkout)
            self._purses[basket.household_id] -= outcome.paid_minor

    def _request(self, basket: BasketOf) -> CheckoutRequest:
        store_id, terminal_id = self.scene.tills[basket.store_id]
        return CheckoutRequest(
            customer_id=self.scene.households[basket.household_id],
            till=Till(merchant_id=self.scene.merchant_id, store_id=store_id, terminal_id=terminal_id),
            basket=Basket(tuple([_line(line) for line in basket.lines])),
            currency=self.scene.currency,
            till_reference=str(basket.basket_id),
            vouchers=self._shown(basket),
            at=basket.occurred_at,
        )

    def _shown(self, basket: BasketOf) -> tuple[UUID, ...]:
        """The real coupons in the order in which the files count their lines, then the journey's voucher."""
        real = self.redemptions.get(basket.basket_id, ())
        shown = [self._held[self._name(redemption)] for redemption in real]
        rest_minor = basket.total_minor - sum([redemption.value_minor for redemption in real])
        answer = self.responses.take(basket.household_id, at=basket.occurred_at) if rest_minor > 0 else None
        return (*shown, answer) if answer else tuple(shown)


def _line(line: source.Line) -> Line:
    return Line(
        sku=line.sku,
        category=line.category,
        quantity=line.quantity,
        amount_minor=line.amount_minor,
        coupon_minor=line.coupon_disc_minor,
    )
