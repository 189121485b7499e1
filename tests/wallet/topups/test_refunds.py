"""Top-ups that staff give back: once, never more than came, and never out of thin air."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from core import clock
from core.gateways.unconfigured import UnconfiguredPayments
from tests.wallet.conftest import count
from tests.wallet.doors import Door
from tests.wallet.topups.conftest import Shop
from wallet import checks
from wallet.topups import notices, refunds


def refund(staff: Door, topup_id: str, amount_minor: int | None = None, key: str = "") -> tuple[int, dict[str, Any]]:
    body = {} if amount_minor is None else {"amount_minor": amount_minor}
    answer = staff.ask("POST", f"/topups/{topup_id}/refunds", body, key)
    assert answer.json
    return answer.status_code, answer.json


def test_topup_goes_back_in_parts_up_to_what_came(shop: Shop) -> None:
    ana, staff = shop.customer(), shop.staff("topups.refund")
    topup_id, intent = shop.topped_up(ana)

    answers = [refund(staff, topup_id, amount) for amount in (1000, 1501, None, 1)]

    assert [status for status, _ in answers] == [201, 422, 201, 422]
    assert [answer.get("status") for _, answer in (answers[0], answers[2])] == ["succeeded", "succeeded"]
    assert (answers[1][1]["code"], answers[1][1]["refundable_minor"]) == ("topup_refund_exceeded", 1500)
    assert answers[2][1]["amount"] == {"amount_minor": 1500, "currency": "USD"}
    assert (shop.standing(ana), shop.provider.intents[intent]["refunded"]) == ((0, 0), 2500)
    assert count(shop.connection, "core.audit_entry WHERE action = 'topup.refund'") == 2
    assert checks.first_difference(shop.connection) is None


def test_same_key_gives_back_once(shop: Shop) -> None:
    ana, staff = shop.customer(), shop.staff("topups.refund")
    topup_id, intent = shop.topped_up(ana)

    answers = [staff.ask("POST", f"/topups/{topup_id}/refunds", {"amount_minor": 900}, "k") for _ in range(2)]
    other = staff.ask("POST", f"/topups/{topup_id}/refunds", {"amount_minor": 901}, "k")

    assert answers[0].json == answers[1].json
    assert [answer.headers.get("Idempotency-Replayed") for answer in answers] == [None, "true"]
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")  # type: ignore[index]
    assert shop.provider.intents[intent]["refunded"] == 900


def test_webhook_of_our_own_refund_takes_nothing_more(shop: Shop) -> None:
    ana, staff = shop.customer(), shop.staff("topups.refund")
    topup_id, intent = shop.topped_up(ana)
    refund(staff, topup_id, 1000)

    shop.hear(shop.provider.give_back(intent, 0))
    assert shop.standing(ana) == (1500, 0)
    shop.hear(shop.provider.give_back(intent, 200))

    assert shop.standing(ana) == (1300, 0)


def test_what_is_spent_is_not_given_back_and_stays_refused(shop: Shop) -> None:
    ana, staff = shop.customer(), shop.staff("topups.refund")
    topup_id, intent = shop.topped_up(ana)
    shop.spend(ana, 2000)

    first = refund(staff, topup_id, 501, "k")
    shop.topped_up(ana)

    assert (first[0], first[1]["code"]) == (422, "insufficient_funds")
    assert refund(staff, topup_id, 501, "k") == first
    assert refund(staff, topup_id, 500)[0] == 201
    assert shop.provider.intents[intent]["refunded"] == 500


def test_declined_refund_is_on_the_account_again(shop: Shop) -> None:
    ana, staff = shop.customer(), shop.staff("topups.refund")
    topup_id, intent = shop.topped_up(ana)
    shop.provider.intents[intent]["refunded"] = 2500  # given back in the dashboard; we have not heard yet

    _, answer = refund(staff, topup_id, 1000)

    assert (answer["status"], answer["decline_code"]) == ("failed", "charge_already_refunded")
    assert (shop.standing(ana), shop.topup(topup_id)["refunded_minor"]) == ((2500, 0), 0)
    shop.hear(shop.provider.give_back(intent, 0))
    assert shop.standing(ana) == (0, 0)
    assert checks.first_difference(shop.connection) is None


def test_refund_that_fails_at_the_bank_days_later_is_on_the_account_again(shop: Shop) -> None:
    ana, staff = shop.customer(), shop.staff("topups.refund")
    topup_id, intent = shop.topped_up(ana)
    _, answer = refund(staff, topup_id, 1000)
    shop.hear(shop.provider.give_back(intent, 300))
    assert shop.standing(ana) == (1200, 0)

    failed = shop.provider.fail_refund(intent, 1000, answer["id"])
    assert [shop.hear(hook).status_code for hook in (failed, failed)] == [200, 200]
    assert (shop.standing(ana), shop.topup(topup_id)["refunded_minor"]) == ((2200, 0), 300)
    assert shop.hear(shop.provider.fail_refund(intent, 300, "another system's")).status_code == 200

    assert (shop.standing(ana), shop.topup(topup_id)["refunded_minor"]) == ((2500, 0), 0)
    assert shop.provider.intents[intent]["refunded"] == 0
    assert refund(staff, topup_id)[1]["status"] == "succeeded"
    shop.hear(shop.provider.give_back(intent, 0))
    assert shop.standing(ana) == (0, 0)
    assert checks.first_difference(shop.connection) is None


def test_failed_refund_pays_what_is_owed_first(shop: Shop) -> None:
    ana, staff = shop.customer(), shop.staff("topups.refund")
    topup_id, intent = shop.topped_up(ana)
    _, answer = refund(staff, topup_id, 1000)
    shop.spend(ana, 1500)
    shop.hear(shop.provider.dispute(intent, 1500, "needs_response"))
    assert shop.standing(ana) == (0, -1500)

    shop.hear(shop.provider.give_back(intent, 0))
    shop.hear(shop.provider.fail_refund(intent, 1000, answer["id"]))

    assert shop.standing(ana) == (0, -500)
    assert checks.first_difference(shop.connection) is None


@pytest.mark.parametrize("is_staffs", [True, False])
def test_failed_refund_that_is_told_before_the_refund_waits_for_it(shop: Shop, is_staffs: bool) -> None:
    ana, now = shop.customer(), clock.now()
    topup_id, intent = shop.topped_up(ana)
    refund_id = refund(shop.staff("topups.refund"), topup_id, 700)[1]["id"] if is_staffs else ""
    made = shop.provider.give_back(intent, 0 if is_staffs else 700)
    failed = shop.provider.fail_refund(intent, 700, refund_id)

    for hook in (failed, made, failed):
        assert shop.hear(hook).status_code == 200
    assert shop.standing(ana) == (1800, 0)
    assert notices.take_waiting(now + timedelta(minutes=2)) == 1

    assert (shop.standing(ana), shop.topup(topup_id)["refunded_minor"]) == ((2500, 0), 0)
    assert notices.take_waiting(now + timedelta(minutes=4)) == 0
    assert checks.first_difference(shop.connection) is None


@pytest.mark.parametrize("late", [0, 1])
def test_older_word_of_refunds_that_comes_after_one_failed_takes_nothing_twice(shop: Shop, late: int) -> None:
    ana = shop.customer()
    topup_id, intent = shop.topped_up(ana)
    told = [shop.provider.give_back(intent, 500), shop.provider.give_back(intent, 300)]
    shop.hear(told[1 - late])
    shop.hear(shop.provider.fail_refund(intent, 500))
    if late:  # the failure waits for the word that it was made
        assert notices.take_waiting(clock.now() + timedelta(minutes=2)) == 0

    shop.hear(told[late])
    notices.take_waiting(clock.now() + timedelta(minutes=2))

    assert (shop.standing(ana), shop.topup(topup_id)["told_refunded_minor"]) == ((2200, 0), 300)
    shop.hear(shop.provider.give_back(intent, 200))
    assert (shop.standing(ana), shop.topup(topup_id)["refunded_minor"]) == ((2000, 0), 500)
    assert checks.first_difference(shop.connection) is None


def test_failed_refund_whose_making_is_never_told_waits_no_longer_than_a_day(shop: Shop) -> None:
    ana, now = shop.customer(), clock.now()
    topup_id, intent = shop.topped_up(ana)
    _, answer = refund(shop.staff("topups.refund"), topup_id, 700)
    shop.hear(shop.provider.fail_refund(intent, 700, answer["id"]))

    assert notices.take_waiting(now + notices.WAIT_FOR - timedelta(seconds=1)) == 1
    assert shop.standing(ana) == (1800, 0)
    assert notices.take_waiting(now + notices.WAIT_FOR + timedelta(minutes=1)) == 1

    assert shop.standing(ana) == (2500, 0)


def test_refused_key_says_nothing_of_a_refund_that_was_asked_before(shop: Shop) -> None:
    ana, now = shop.customer(), clock.now()
    topup_id, intent = shop.topped_up(ana)
    shop.provider.will("drop")
    assert refund(shop.staff("topups.refund"), topup_id, 1000)[1]["status"] == "in_doubt"

    assert refunds.finish_due(UnconfiguredPayments(), now + timedelta(minutes=1)) == 1
    assert shop.standing(ana) == (1500, 0)
    assert refunds.finish_due(shop.gateway, now + timedelta(minutes=5)) == 1

    assert (shop.standing(ana), shop.provider.intents[intent]["refunded"]) == ((1500, 0), 1000)
    assert count(shop.connection, "wallet.topup_refund WHERE state = 'succeeded'") == 1


def test_lost_answer_is_asked_again_and_given_once(shop: Shop) -> None:
    ana, staff = shop.customer(), shop.staff("topups.refund")
    topup_id, intent = shop.topped_up(ana)
    shop.provider.will("drop")

    _, answer = refund(staff, topup_id, 1000)
    assert answer["status"] == "in_doubt"
    assert refunds.finish_due(shop.gateway, clock.now() + timedelta(seconds=16)) == 1

    assert shop.provider.intents[intent]["refunded"] == 1000
    assert count(shop.connection, "wallet.topup_refund WHERE state = 'succeeded'") == 1


def test_crash_before_the_provider_is_asked_is_finished(shop: Shop) -> None:
    ana, staff = shop.customer(), shop.staff("topups.refund")
    topup_id, intent = shop.topped_up(ana)
    gives = shop.gateway.refund

    def dies(**_: object) -> None:
        raise SystemExit

    shop.gateway.refund = dies
    with pytest.raises(SystemExit):
        refund(staff, topup_id, 1000)
    shop.gateway.refund = gives

    assert shop.standing(ana) == (1500, 0)
    assert refunds.finish_due(shop.gateway, clock.now() + refunds.LEASE + timedelta(seconds=1)) == 1
    assert shop.provider.intents[intent]["refunded"] == 1000


def test_provider_that_may_have_forgotten_is_not_asked(shop: Shop) -> None:
    ana, staff = shop.customer(), shop.staff("topups.refund")
    topup_id, intent = shop.topped_up(ana)
    shop.provider.will("fail")
    refund(staff, topup_id, 1000)

    assert refunds.finish_due(shop.gateway, clock.now() + timedelta(hours=21)) == 1

    assert shop.provider.intents[intent]["refunded"] == 0
    assert count(shop.connection, "wallet.topup_refund WHERE state = 'in_doubt' AND due_at IS NULL") == 1


def in_doubt_for_good(shop: Shop, ana: Door, amount_minor: int) -> str:
    """A refund that the provider is not asked about any more, of a top-up of its own; its id."""
    topup_id, _ = shop.topped_up(ana)
    shop.provider.will("fail")
    refund_id: str = refund(shop.staff("topups.refund"), topup_id, amount_minor)[1]["id"]
    refunds.finish_due(shop.gateway, clock.now() + timedelta(hours=21))
    return refund_id


def test_refunds_in_doubt_are_listed_and_settled(shop: Shop) -> None:
    ana, staff = shop.customer(), shop.staff("topups.read", "topups.settle")
    doubtful = [in_doubt_for_good(shop, ana, amount) for amount in (1000, 700)]
    assert shop.standing(ana) == (3300, 0)

    page = staff.ask("GET", "/topup-refunds?status=in_doubt&limit=1").json
    rest = staff.ask("GET", f"/topup-refunds?status=in_doubt&limit=1&cursor={page['next_cursor']}").json
    assert [item["id"] for item in page["items"] + rest["items"]] == doubtful[::-1]
    assert (page["items"][0]["amount"]["amount_minor"], rest["next_cursor"]) == (700, None)
    given, not_given = {"refunded": True, "provider_reference": "re_console"}, {"refunded": False}
    for _ in range(2):
        answer = staff.ask("PUT", f"/topup-refunds/{doubtful[0]}/settlement", given)
        assert (answer.status_code, answer.json["status"]) == (200, "succeeded")  # type: ignore[index]
    for _ in range(2):
        answer = staff.ask("PUT", f"/topup-refunds/{doubtful[1]}/settlement", not_given)
        assert (answer.status_code, answer.json["status"]) == (200, "failed")  # type: ignore[index]

    assert shop.standing(ana) == (4000, 0)
    assert staff.code("PUT", f"/topup-refunds/{doubtful[1]}/settlement", given) == (409, "topup_refund_not_in_doubt")
    assert staff.code("PUT", f"/topup-refunds/{ana.id}/settlement", given) == (404, "not_found")
    assert staff.code("PUT", f"/topup-refunds/{doubtful[0]}/settlement", {}) == (422, "invalid_input")
    assert staff.ask("GET", "/topup-refunds?status=in_doubt").json["items"] == []
    assert count(shop.connection, "core.audit_entry WHERE action = 'topup_refund.settle'") == 2
    assert checks.first_difference(shop.connection) is None


def test_refund_that_the_provider_is_being_asked_about_is_not_settled(shop: Shop) -> None:
    ana, staff = shop.customer(), shop.staff("topups.settle")
    refund_id = in_doubt_for_good(shop, ana, 1000)
    until = clock.now() + timedelta(minutes=1)
    shop.connection.execute(
        "UPDATE wallet.topup_refund SET lease_token = id, lease_until = %s WHERE id = %s", [until, refund_id]
    )

    answer = staff.code("PUT", f"/topup-refunds/{refund_id}/settlement", {"refunded": False})

    assert (answer, shop.standing(ana)) == ((409, "topup_refund_not_in_doubt"), (1500, 0))


def test_refund_settled_as_not_given_can_be_given_again(shop: Shop) -> None:
    ana, staff = shop.customer(), shop.staff("topups.settle", "topups.refund")
    refund_id = in_doubt_for_good(shop, ana, 2500)

    topup_id = staff.ask("PUT", f"/topup-refunds/{refund_id}/settlement", {"refunded": False}).json["topup_id"]

    assert refund(staff, topup_id)[1]["status"] == "succeeded"
    assert shop.standing(ana) == (0, 0)


def test_refunds_at_once_never_pass_what_came(shop: Shop) -> None:
    ana, staff = shop.customer(), shop.staff("topups.refund")
    topup_id, intent = shop.topped_up(ana)

    with ThreadPoolExecutor(6) as pool:
        statuses = sorted(pool.map(lambda _: refund(staff, topup_id, 1000)[0], range(6)))

    assert statuses.count(201) == 2
    assert shop.provider.intents[intent]["refunded"] == 2000
    assert shop.standing(ana) == (500, 0)


def test_bad_amounts_are_refused(shop: Shop) -> None:
    topup_id, _ = shop.topped_up(shop.customer())
    staff = shop.staff("topups.refund")

    told = [
        staff.code("POST", f"/topups/{topup_id}/refunds", {"amount_minor": amount})
        for amount in (0, -1, 1.5, "5", 2**53, True)
    ]

    assert told == [(422, "invalid_input")] * 6


def test_only_a_charged_topup_goes_back(shop: Shop) -> None:
    ana, staff = shop.customer(), shop.staff("topups.refund")
    waiting = shop.top_up(ana, source="pm_card_authenticationRequired").json["id"]  # type: ignore[index]

    assert staff.code("POST", f"/topups/{waiting}/refunds", {}) == (409, "topup_not_charged")
    assert staff.code("POST", f"/topups/{ana.id}/refunds", {}) == (404, "not_found")
