"""An account is deleted for ever: what speaks against it, what is dropped, and what the receipt proves."""

from datetime import timedelta

import jwt
import pytest
from flask import Flask

from auth import customers
from auth.keys import ring
from auth.models import Customer
from auth.privacy import answers, steps, tombstones
from auth.privacy.models import Erasure
from auth.privacy.receipts import TYPE, is_balanced
from core import clock, crypto, ids
from core.db import connection_of, transaction
from core.delivery import messages
from core.holdings import Holder, Reason
from insights.profiles import rebuilds
from tests.auth.privacy.conftest import PHONE, Account, rows_of, sign_up, work_off
from wallet import checks


def test_an_account_is_deleted_with_a_receipt_that_the_ledger_still_balances(account: Account) -> None:
    asked = account.erase()
    assert asked.status_code == 202, asked.json
    work_off()

    told = account.receipt(asked.json["receipt_url"])

    header = jwt.get_unverified_header(told["receipt"])
    key = ring.public(header["kid"])
    assert key is not None
    receipt = jwt.decode(told["receipt"], key, algorithms=["ES256"])
    assert (told["status"], header["typ"]) == ("erased", TYPE)
    assert receipt["sub"] == str(account.customer_id)
    assert receipt["is_balanced"] is True
    assert receipt["before"]["wallet"]["entries"] == receipt["after"]["wallet"]["entries"]
    assert receipt["register"]["number"] == 1
    assert {"auth", "wallet", "rewards", "insights", "engage", "connect", "core"} == set(receipt["rooms"])
    with transaction() as session:
        assert checks.first_difference(connection_of(session)) is None


def test_nothing_opens_and_nobody_is_found_afterwards(account: Account) -> None:
    with transaction() as session:
        sent = messages.enqueue(
            session, customer_id=account.customer_id, channel="sms", recipient=PHONE, content={"body": "Hello"},
            purpose="transactional", due_at=clock.now() + timedelta(days=1), now=clock.now(),
        )  # fmt: skip
    account.erase()
    work_off()

    with transaction() as session:
        customer = session.get_one(Customer, account.customer_id)
        assert customers.by_phone(session, PHONE) is None
        message = session.get_one(messages.Message, sent)
        with pytest.raises(crypto.Erased):
            messages.open_sealed(session, message)

    assert (customer.status, customer.phone, customer.phone_index, customer.locale) == ("erased", None, None, None)
    assert rows_of("SELECT FROM core.data_key WHERE owner_id = %s", account.customer_id) == []


def test_every_session_ends_with_the_answer(account: Account) -> None:
    before = account.ask("GET", "/me")

    token = account.erase()

    with transaction() as session:
        assert not customers.is_active(session, account.customer_id)
    assert (before.status_code, token.status_code) == (200, 202)
    assert account.ask("GET", "/me").status_code == 401


def test_it_asks_for_a_sign_in_of_the_last_five_minutes(account: Account) -> None:
    refused = account.stale().erase()

    assert (refused.status_code, refused.json["code"]) == (401, "step_up_required")
    assert "insufficient_user_authentication" in refused.headers["WWW-Authenticate"]
    assert rows_of("SELECT FROM auth.erasure") == []


def test_money_has_to_leave_before(account: Account) -> None:
    amount = {"amount_minor": 1_250, "currency": "USD"}
    account.ask("POST", "/topups", {"amount": amount, "source": "sandbox_ok"})

    refused = account.erase("points", "promotional", "coupons", "gift_cards")

    assert (refused.status_code, refused.json["code"]) == (409, "erasure_refused")
    assert refused.json["reasons"] == [{"code": "money_left", **amount}]
    assert account.ask("GET", "/me/erasure/objections").json == {"reasons": refused.json["reasons"]}
    assert account.ask("GET", "/me").status_code == 200


def test_what_comes_in_while_the_rooms_part_is_to_be_settled_too(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    bought: list[Reason] = []

    def part(*_: object) -> dict[str, int]:
        bought.append(Reason(code="gift_card_left", facts={"count": 1}))
        return {}

    late = Holder(room="late", held=(), objections=lambda *_: bought, parting=part)
    monkeypatch.setattr("auth.privacy.answers._holders", [*answers.holders(), late])

    refused = account.erase()

    assert (refused.status_code, refused.json["code"]) == (409, "erasure_refused")
    assert refused.json["reasons"] == [{"code": "gift_card_left", "count": 1}]
    assert account.ask("GET", "/me").status_code == 200
    assert rows_of("SELECT FROM auth.erasure") == []


def test_a_word_that_nobody_knows_is_refused(account: Account) -> None:
    assert account.ask("POST", "/me/erasure", {"forfeit": ["everything"]}).status_code == 422
    assert account.ask("POST", "/me/erasure", {"customer_id": str(ids.new())}).status_code == 422


def test_a_number_whose_account_is_gone_signs_up_as_somebody_new(app: Flask, account: Account) -> None:
    account.erase()
    work_off()

    again = sign_up(app)

    assert again.customer_id != account.customer_id
    assert again.ask("GET", "/me").status_code == 200


def test_an_erasure_that_is_killed_after_any_step_goes_on_where_it_was(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    amount = 3
    with transaction() as session:
        for number in range(amount):
            crypto_row = "INSERT INTO insights.trait (customer_id, name, value, at, source, event_id)"
            connection_of(session).execute(
                f"{crypto_row} VALUES (%s, %s, '1', now(), 't', %s)", [account.customer_id, f"t{number}", ids.new()]
            )
    monkeypatch.setattr("auth.privacy.rows.CHUNK", 1)
    url = account.erase().json["receipt_url"]
    taken = 0

    while account.receipt(url)["status"] == "erasing":
        assert steps.work_off(clock.now()) == 1  # each in a process of its own, for all that it knows
        taken += 1

    [row] = rows_of("SELECT steps -> 'insights.trait' FROM auth.erasure")
    assert row[0] == {"rows": amount, "done": True}
    assert taken > amount + 4
    assert len(tombstones.read()) == 1


def test_what_fails_waits_and_says_no_more_than_its_kind(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    url = account.erase().json["receipt_url"]
    with monkeypatch.context() as broken:
        broken.setattr("auth.privacy.tombstones.append", _broken)
        while steps.work_off(clock.now()):
            pass

    [row] = rows_of("SELECT last_error, attempts, steps ? 'key' FROM auth.erasure")
    assert row == ("OSError", 1, False)
    while steps.work_off(clock.now() + timedelta(minutes=1)):
        pass
    assert account.receipt(url)["status"] == "erased"


def _broken(_: Erasure) -> None:
    raise OSError(f"no space left for {PHONE}")


def test_what_a_reader_writes_late_is_dropped_too(account: Account) -> None:
    account.erase()
    work_off()
    with transaction() as session:
        connection_of(session).execute(
            "INSERT INTO insights.trait (customer_id, name, value, at, source, event_id) VALUES (%s, 'a', '1', now(),"
            " 't', %s)",
            [account.customer_id, ids.new()],
        )

    steps.work_off(clock.now() + timedelta(hours=1, minutes=1))
    assert rows_of("SELECT due_at IS NULL FROM auth.erasure") == [(False,)]  # there may be more to come
    steps.work_off(clock.now() + timedelta(hours=2, minutes=2))

    assert rows_of("SELECT FROM insights.trait WHERE customer_id = %s", account.customer_id) == []
    assert rows_of("SELECT due_at FROM auth.erasure") == [(None,)]


def test_the_number_goes_from_what_others_asked_and_sent_under_their_keys(app: Flask, account: Account) -> None:
    other = sign_up(app, "+12025550192")
    body = {"from": {"phone": PHONE}, "amount": {"amount_minor": 100, "currency": "USD"}}
    assert other.ask("POST", "/money-requests", body).status_code == 201

    url = account.erase().json["receipt_url"]
    work_off()

    assert account.receipt(url)["status"] == "erased"
    assert rows_of("SELECT phone, payer_id FROM wallet.money_request") == [(None, account.customer_id)]
    [shown] = other.ask("GET", "/money-requests").json["items"]
    assert (shown["way"], shown["phone"]) == ("phone", None)


def test_what_was_sent_to_others_keeps_their_numbers(app: Flask, account: Account) -> None:
    """They open for nobody, since the key was the sender's."""
    sign_up(app, "+12025550192")
    body = {"from": {"phone": "+12025550192"}, "amount": {"amount_minor": 100, "currency": "USD"}}
    account.ask("POST", "/money-requests", body)

    account.erase()
    work_off()

    assert rows_of("SELECT phone IS NOT NULL FROM wallet.money_request") == [(True,)]


def test_a_profile_that_was_to_be_told_anew_is_not(account: Account) -> None:
    with transaction() as session:
        rebuilds.ask(session, account.customer_id, now=clock.now())

    account.erase()
    work_off()

    assert rows_of("SELECT FROM insights.rebuild") == []


def test_answers_that_were_kept_for_retries_are_dropped(account: Account) -> None:
    kept = "SELECT FROM core.idempotency WHERE principal = %s"
    with transaction() as session:
        connection_of(session).execute(
            "INSERT INTO core.idempotency (principal, key, fingerprint, status, body, kept_at)"
            " VALUES (%s, 'a', '', 201, '{}', now())",
            [f"customer:{account.customer_id}"],
        )

    account.erase()
    work_off()

    assert rows_of(kept, f"customer:{account.customer_id}") == []


def test_a_receipt_says_so_where_the_ledger_differs() -> None:
    def told(difference: int, entries: int) -> dict[str, object]:
        return {"wallet": {"trial_balance": [{"difference": str(difference)}], "entries": {"count": entries}}}

    assert is_balanced(told(0, 3), told(0, 3))
    assert not is_balanced(told(0, 3), told(1, 3))
    assert not is_balanced(told(0, 3), told(0, 2))


def test_a_receipt_is_told_only_to_who_has_its_address(account: Account) -> None:
    account.erase()

    assert account.app.test_client().get(f"/erasures/{account.customer_id}").status_code == 404
