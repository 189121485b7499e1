"""What the reader counts of walks, messages, vouchers and baskets."""

from dataclasses import replace
from datetime import date, datetime
from uuid import UUID

import pytest

from core import ids
from core.db import connection_of, transaction
from core.delivery import progress
from core.delivery.models import Message
from core.events import readers
from engage import consents
from engage.consents import Said
from engage.links.events import LinkClicked
from engage.outgoing.events import MessageOpened
from engage.results import report, tallies
from engage.results.prices import Price, PriceList
from engage.results.tallies import Count, Key
from rewards import vouchers
from rewards.events import VoucherRedeemed
from rewards.models import CheckoutRow, RedemptionRow
from rewards.rollbacks.events import CheckoutRolledBack, VoucherRolledBack
from rewards.vouchers import Issue
from tests.core.log import wait_for_the_horizon
from tests.engage.conftest import Scene, both_branches, gift, journey, say, vouchers_of
from tests.engage.results.counted import READER, count, deliver, messages_of, outcomes, tallied
from wallet.events import PromotionGranted


@pytest.fixture
def journey_id(scene: Scene) -> UUID:
    return scene.publish(both_branches(scene.coupon()))


def _entered(scene: Scene) -> UUID:
    customer_id = scene.customer()
    scene.happen(scene.order(customer_id))
    return customer_id


def test_entries_steps_and_vouchers_are_counted_by_step_and_arm(scene: Scene, journey_id: UUID) -> None:
    _entered(scene)

    count(scene)

    found = tallied("journey", journey_id, "step", "arm")
    assert found["entered", "", "treated"] == (1, 0)
    assert found["step:issued", "gift", "treated"] == (1, 0)
    assert found["issued", "gift", "treated"] == (1, 0)
    assert found["step:sent", "tell", "treated"] == (1, 0)


def test_those_held_out_are_counted_in_their_own_arm(scene: Scene) -> None:
    journey_id = scene.publish(both_branches(scene.coupon()), holdout_bps=10_000)
    customer_id = _entered(scene)

    count(scene)

    found = tallied("journey", journey_id, "arm")
    assert found["entered", "holdout"] == (1, 0)
    assert {arm for _, arm in found} == {"holdout"}
    assert outcomes(journey_id)[customer_id].arm == "holdout"


def test_a_message_from_before_the_voucher_is_not_the_campaigns_however_late_it_is_counted(scene: Scene) -> None:
    campaign_id = scene.coupon()
    steps = {"hello": say("Hello!", next="gift"), "gift": gift(campaign_id, next="tell"), "tell": say("It is yours.")}
    journey_id = scene.publish(journey("hello", steps))
    first, second = messages_of(_entered_and_read(scene))

    for message in (first, second):
        deliver(message.id, scene.now)
    count(scene)  # only now, when the walk has long had its voucher

    found = tallied("journey", journey_id, "step")
    assert found["sent", "hello"] == found["sent", "tell"] == (1, 0)
    assert tallied("campaign", campaign_id)["sent"] == (1, 0)


def test_a_message_counts_to_its_step_and_to_the_campaign_of_its_voucher(scene: Scene) -> None:
    campaign_id = scene.coupon()
    journey_id = scene.publish(both_branches(campaign_id))
    [message] = messages_of(_entered_and_read(scene))

    deliver(message.id, scene.now)
    deliver(message.id, scene.now)
    count(scene)

    found = tallied("journey", journey_id, "step", "channel")
    assert found["sent", "tell", "sms"] == (1, 0)
    assert found["delivered", "tell", "sms"] == (1, 0)
    assert tallied("campaign", campaign_id)["delivered"] == (1, 0)
    assert tallied("campaign", campaign_id)["issued"] == (1, 0)


def _entered_and_read(scene: Scene) -> UUID:
    customer_id = _entered(scene)
    count(scene)
    return customer_id


def test_what_is_said_in_the_inbox_alone_is_counted_beside_what_is_sent(scene: Scene) -> None:
    [customer_id] = scene.customers(1)
    tell, more = say("Look", channel="inbox", next="more"), say("Look again")
    journey_id = scene.publish(journey("tell", {"tell": tell, "more": more}))
    scene.happen(scene.order(customer_id))

    count(scene)

    counted = tallied("journey", journey_id, "step")
    assert {key: number for key, (number, _) in counted.items() if key[0] == "inbox"} == {("inbox", "tell"): 1}


def test_a_message_that_failed_is_counted_and_one_of_nobodys_journey_is_not(scene: Scene, journey_id: UUID) -> None:
    [message] = messages_of(_entered_and_read(scene))

    with transaction() as session:
        row = progress.lock(session, message.id)
        assert row is not None
        progress.mark_failed(session, row, reason="twilio_30003", now=scene.now)
    count(scene)

    assert tallied("journey", journey_id)["failed"] == (1, 0)


def test_a_redemption_counts_to_the_step_that_gave_the_voucher(scene: Scene) -> None:
    campaign_id = scene.coupon()
    journey_id = scene.publish(both_branches(campaign_id))
    customer_id = _entered_and_read(scene)
    [voucher_id] = vouchers_of(customer_id)

    redeemed = scene.redemption(customer_id, voucher_id)
    scene.happen(redeemed)
    count(scene)

    assert tallied("journey", journey_id, "step", "currency")["redeemed", "gift", "USD"] == (1, 500)
    assert tallied("campaign", campaign_id)["redeemed"] == (1, 500)
    assert outcomes(journey_id)[customer_id].redeemed_minor == 500


@pytest.mark.parametrize("is_whole, uses", [(True, 1), (False, 0)])
def test_what_is_rolled_back_is_counted_with_its_use_only_when_whole(
    scene: Scene, journey_id: UUID, is_whole: bool, uses: int
) -> None:
    customer_id = _entered_and_read(scene)
    [voucher_id] = vouchers_of(customer_id)
    redeemed = scene.redemption(customer_id, voucher_id)
    back = VoucherRolledBack(
        customer_id=customer_id, occurred_at=scene.now, redemption_id=redeemed.redemption_id, voucher_id=voucher_id,
        campaign_id=redeemed.campaign_id, merchant_id=redeemed.merchant_id, checkout_id=None, amount_minor=200,
        currency="USD", is_whole=is_whole,
    )  # fmt: skip

    scene.happen(redeemed, back)
    count(scene)

    assert tallied("journey", journey_id)["rolled_back"] == (uses, 200)
    assert outcomes(journey_id)[customer_id].redeemed_minor == 300


def test_a_basket_with_two_vouchers_of_a_journey_is_its_revenue_once(scene: Scene) -> None:
    """Both count as redeemed; the basket counts to the step whose voucher was redeemed first."""
    campaign_id = scene.coupon()
    journey_id = scene.publish(both_branches(campaign_id))
    customer_id = _entered_and_read(scene)
    [voucher_id] = vouchers_of(customer_id)
    checkout_id = ids.new()
    redemptions = [scene.redemption(customer_id, voucher_id) for _ in range(2)]
    with transaction() as session:
        session.add(_checkout(checkout_id, customer_id, at=scene.now))
        session.flush()
        session.add_all([_redemption(each, checkout_id) for each in redemptions])
    scene.happen(*[replace(each, checkout_id=checkout_id) for each in reversed(redemptions)])
    back = CheckoutRolledBack(
        customer_id=customer_id, occurred_at=scene.now, checkout_id=checkout_id, merchant_id=ids.new(),
        store_id=ids.new(), amount_minor=1_500, currency="USD", is_whole=False,
    )  # fmt: skip
    scene.happen(back)
    count(scene)

    found = tallied("journey", journey_id, "step")
    assert found["redeemed", "gift"] == (2, 1_000)
    assert found["revenue", "gift"] == (1, 4_000)
    assert found["refunded", "gift"] == (0, 1_500)
    assert tallied("campaign", campaign_id)["revenue"] == (1, 4_000)


def test_a_no_within_a_week_counts_to_the_message_and_a_later_one_to_nothing(scene: Scene, journey_id: UUID) -> None:
    early, late = _entered(scene), _entered(scene)
    count(scene)
    for customer_id in (early, late):
        deliver(messages_of(customer_id)[0].id, scene.now)

    scene.move(days=7, seconds=-1)
    _say_no(scene, early)
    scene.move(seconds=1)
    _say_no(scene, late)
    count(scene)

    assert tallied("journey", journey_id, "step", "channel")["unsubscribed", "tell", "sms"] == (1, 0)


def _say_no(scene: Scene, customer_id: UUID) -> None:
    with transaction() as session:
        consents.put_all(session, [Said(customer_id, "sms", "marketing", False)], source="app", now=scene.now)


def test_a_yes_or_a_no_to_another_channel_is_nobodys_fault(scene: Scene, journey_id: UUID) -> None:
    customer_id = _entered_and_read(scene)
    deliver(messages_of(customer_id)[0].id, scene.now)

    with transaction() as session:
        said = [Said(customer_id, "push", "marketing", False), Said(customer_id, "whatsapp", "marketing", True)]
        consents.put_all(session, said, source="app", now=scene.now)
    count(scene)

    assert "unsubscribed" not in tallied("journey", journey_id)


def test_days_are_the_brands_own(scene: Scene, journey_id: UUID) -> None:
    """21 November 2026, 23:59 in New York is the 22nd in UTC."""
    scene.move(hours=16, minutes=59)
    _entered_and_read(scene)
    scene.move(minutes=1)
    _entered_and_read(scene)

    found = tallied("journey", journey_id, "day")
    assert found["entered", date(2026, 11, 21)] == found["entered", date(2026, 11, 22)] == (1, 0)


def test_two_readers_at_once_count_everything_once(scene: Scene, journey_id: UUID) -> None:
    """Two batches of other slots add to the same tally: the second waits, and neither is lost."""
    for _ in range(6):
        _entered(scene)
    scene.read()
    readers.register([READER])
    wait_for_the_horizon()
    while readers.run_batch(READER, now=scene.now, slots=1):
        pass

    assert tallied("journey", journey_id)["entered"] == (6, 0)


def test_a_crash_before_the_commit_counts_nothing(
    scene: Scene, journey_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    _entered(scene)
    scene.read()
    readers.register([READER])

    wait_for_the_horizon()

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(tallies, "keep", killed)
        with pytest.raises(KeyboardInterrupt):
            readers.run_batch(READER, now=scene.now)
    assert tallied("journey", journey_id) == {}

    count(scene)

    assert tallied("journey", journey_id)["entered"] == (1, 0)


def _checkout(checkout_id: UUID, customer_id: UUID, *, at: datetime) -> CheckoutRow:
    return CheckoutRow(
        id=checkout_id, customer_id=customer_id, merchant_id=ids.new(), store_id=ids.new(), terminal_id=ids.new(),
        till_reference="till-1", fingerprint=b"", total_minor=4_000, discount_minor=1_000, gift_minor=0,
        paid_minor=3_000, currency="USD", completed_at=at, lines=[],
    )  # fmt: skip


def _redemption(told: VoucherRedeemed, checkout_id: UUID) -> RedemptionRow:
    return RedemptionRow(
        id=told.redemption_id, voucher_id=told.voucher_id, campaign_id=told.campaign_id, merchant_id=told.merchant_id,
        store_id=told.store_id, terminal_id=told.terminal_id, till_reference="till-1", amount_minor=500,
        currency="USD", checkout_id=checkout_id, state="succeeded", redeemed_at=told.occurred_at,
    )  # fmt: skip


def test_what_is_opened_or_followed_counts_once_however_often(scene: Scene, journey_id: UUID) -> None:
    [message] = messages_of(_entered_and_read(scene))
    assert message.reference is not None
    told = {"customer_id": message.customer_id, "occurred_at": scene.now, "reference": message.reference}
    click = LinkClicked(**told, message_id=message.id, kind="url", position=0)
    look = LinkClicked(**told, message_id=message.id, kind="preferences", position=9)
    for _ in range(2):
        scene.happen(look, click, click, _opened(message, scene.now))
        count(scene)

    found = tallied("journey", journey_id, "step", "channel")
    assert found["clicked", "tell", "sms"] == found["opened", "tell", "sms"] == (1, 0)


def _opened(message: Message, at: datetime) -> MessageOpened:
    return MessageOpened(
        customer_id=message.customer_id, occurred_at=at, message_id=message.id, channel=message.channel,
        purpose=message.purpose, reference=message.reference,
    )  # fmt: skip


@pytest.mark.parametrize("is_delivered, step", [(True, "tell"), (False, "")])
def test_a_conversion_credits_the_step_whose_message_had_been_delivered(
    scene: Scene, is_delivered: bool, step: str
) -> None:
    goal = {"event": "order.completed", "within_seconds": 3600}
    graph = both_branches(scene.coupon())
    entry = graph.pop("trigger")
    journey_id = scene.publish({**graph, "entry": entry, "goal": goal})
    customer_id = _entered_and_read(scene)
    if is_delivered:
        deliver(messages_of(customer_id)[0].id, scene.now)
    scene.move(minutes=5)
    scene.happen(scene.order(customer_id))
    count(scene)

    assert tallied("journey", journey_id, "step")["converted", step] == (1, 0)
    assert outcomes(journey_id)[customer_id].is_converted


@pytest.mark.parametrize("source", ["step_run:mine", "step_run:", "broadcast:1:2", "broadcast", "letter:1"])
def test_a_source_that_somebody_else_chose_stops_nobody(scene: Scene, source: str) -> None:
    """Only what it names is looked up: a redemption of such a voucher is its campaign's alone."""
    campaign_id, [customer_id] = scene.coupon(), scene.customers(1)
    with transaction() as session:
        issue = Issue(campaign_id=campaign_id, customer_id=customer_id, source=source)
        [voucher] = vouchers.issue_all(session, [issue], now=scene.now)
    scene.happen(scene.redemption(customer_id, voucher.id))
    count(scene)

    assert tallied("campaign", campaign_id)["redeemed"] == (1, 500)
    with transaction() as session:
        assert connection_of(session).execute("SELECT count(*) FROM core.reader_parked").fetchone() == (0,)


def test_messages_of_a_campaign_in_another_currency_have_no_price() -> None:
    """0.02 dollars are no pence: they are named as unpriced, as are those of another currency's vouchers as others'."""
    day, campaign_id = date(2026, 11, 21), ids.new()
    found = [
        (Key("campaign", campaign_id, "sent", day, channel="sms", country="GB"), Count(3, 0)),
        (Key("campaign", campaign_id, "redeemed", day, currency="GBP"), Count(1, 700)),
        (Key("campaign", campaign_id, "redeemed", day, currency="USD"), Count(1, 500)),
    ]
    prices = PriceList([Price("sms", "", date(2026, 1, 1), 20_000)])

    told = report.put_together(found, prices, currency="GBP", since=None, until=None)

    assert (told.total.discount_minor, told.total.cost_minor("GBP")) == (700, 700)
    assert told.unpriced == {("sms", "GB"): 3} and told.others == {"USD"}


def test_a_price_that_does_not_come_to_a_minor_unit_adds_up() -> None:
    """A thousand messages at 0.0079 are 7.90; each by itself would be 0.01."""
    found = [(Key("journey", ids.new(), "sent", date(2026, 11, 21), channel="sms"), Count(1_000, 0))]
    prices = PriceList([Price("sms", "", date(2026, 1, 1), 7_900)])

    told = report.put_together(found, prices, currency="USD", since=None, until=None)

    assert told.total.message_minor("USD") == 790


def test_value_put_into_a_wallet_is_a_cost(scene: Scene) -> None:
    steps = {"give": {"kind": "credit", "amount_minor": 300, "currency": "USD", "days": 30}}
    journey_id = scene.publish(journey("give", steps))
    customer_id = _entered_and_read(scene)

    found = tallied("journey", journey_id, "arm", "currency")
    assert found["credited", "treated", "USD"] == (1, 300)
    assert outcomes(journey_id)[customer_id].redeemed_minor == 300
    with transaction() as session:
        told = report.of(session, "journey", journey_id, since=None, until=None)
    assert told.total.cost_minor("USD") == 300


def test_value_that_somebody_else_gave_is_no_journeys(scene: Scene) -> None:
    [customer_id] = scene.customers(1)
    for source in ("staff:1", "journey:mine", "batch"):
        scene.happen(
            PromotionGranted(
                customer_id=customer_id, occurred_at=scene.now, transfer_id=ids.new(), source=source, amount_minor=1,
                currency="USD", expires_at=None,
            )
        )  # fmt: skip
    count(scene)

    with transaction() as session:
        assert connection_of(session).execute("SELECT count(*) FROM engage.tally").fetchone() == (0,)
        assert connection_of(session).execute("SELECT count(*) FROM core.reader_parked").fetchone() == (0,)
