"""How many one-time codes may be asked for: of one number, from one address, by whom."""

from dataclasses import replace

import pytest
from sqlalchemy import func, select

from auth.native.models import SignIn
from core.db import transaction
from core.settings import Settings
from tests import applications
from tests.auth.conftest import Phone, Watch


def codes_sent() -> int:
    with transaction() as session:
        return session.scalar(select(func.count()).select_from(SignIn)) or 0


def test_a_sixth_code_in_a_quarter_of_an_hour_is_refused_for_its_number_alone(phone: Phone, watch: Watch) -> None:
    watch.now = watch.now.replace(minute=1, second=0)
    assert [phone.ask().status_code for _ in range(5)] == [400] * 5

    refused = phone.ask()

    assert (refused.status_code, refused.json["error"]) == (429, "slow_down")
    assert refused.headers["Retry-After"] == str(14 * 60)
    assert phone.ask("+12125550143").status_code == 400
    assert codes_sent() == 6
    watch.move(minutes=14)
    assert phone.ask().status_code == 400


def test_who_uses_a_numbers_codes_up_locks_nobody_out_elsewhere(phone: Phone) -> None:
    asked = [phone.ask().status_code for _ in range(50)]
    assert asked == [400] * 5 + [429] * 45

    phone.address = "192.0.2.2"

    assert phone.ask().status_code == 400


def ask_from_many_addresses(phone: Phone) -> list[int]:
    statuses = []
    for last in range(31):
        phone.address = f"203.0.113.{last}"
        statuses.append(phone.ask().status_code)
    return statuses


def test_strangers_get_thirty_codes_of_a_number_a_day_from_all_addresses(phone: Phone) -> None:
    assert ask_from_many_addresses(phone) == [400] * 30 + [429]


def test_strangers_use_up_nothing_of_who_proved_the_number_at_their_address(phone: Phone) -> None:
    phone.sign_in()
    ask_from_many_addresses(phone)
    assert phone.ask().status_code == 429

    phone.address = "192.0.2.1"

    assert phone.ask().status_code == 400


@pytest.mark.parametrize("other", ["2001:db8:1:2:ffff::9", "2001:0DB8:1:2::1"])
def test_the_addresses_of_one_ipv6_network_are_one(phone: Phone, other: str) -> None:
    phone.address = "2001:db8:1:2::1"
    assert [phone.ask().status_code for _ in range(5)] == [400] * 5

    phone.address = other
    assert phone.ask().status_code == 429
    phone.address = "2001:db8:1:3::1"
    assert phone.ask().status_code == 400


def test_an_ipv4_address_in_ipv6s_clothes_is_itself(phone: Phone) -> None:
    assert [phone.ask().status_code for _ in range(5)] == [400] * 5

    phone.address = "::ffff:192.0.2.1"

    assert phone.ask().status_code == 429


def test_an_address_that_asks_for_many_numbers_is_refused(phone: Phone) -> None:
    asked = [phone.ask(f"+1212555{number:04}").status_code for number in range(100, 161)]

    assert asked == [400] * 60 + [429]


@pytest.mark.parametrize(("proxies", "statuses"), [(0, [400] * 5 + [429]), (1, [400] * 6), (2, [400] * 5 + [429])])
def test_a_proxys_word_for_an_address_is_taken_from_as_many_as_stand_there(
    database: None, settings: Settings, watch: Watch, proxies: int, statuses: list[int]
) -> None:
    app = applications.over(replace(settings, trusted_proxies=proxies))
    phone = Phone(app, app.test_client())

    asked = []
    for last in range(6):
        phone.client.environ_base["HTTP_X_FORWARDED_FOR"] = f"192.0.2.77, 203.0.113.{last}"
        asked.append(phone.ask().status_code)

    assert asked == statuses
