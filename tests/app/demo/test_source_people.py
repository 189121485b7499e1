import phonenumbers
import pytest

from app.demo.source_people import ConsentsOf, DeviceOf, consents, devices, locale, phone_number

EVERYONE = range(1, 2_501)


def test_every_household_has_a_fictional_number_of_its_own() -> None:
    numbers = [phone_number(household_id) for household_id in EVERYONE]

    assert len(set(numbers)) == len(numbers)
    assert all(number[5:10] == "55501" and len(number) == 12 for number in numbers)
    assert phone_number(1) == "+12055550100"
    assert phone_number(101) == "+12125550100"


def test_every_number_passes_a_strict_parser() -> None:
    for household_id in EVERYONE:
        number = phone_number(household_id)
        parsed = phonenumbers.parse(number)
        assert phonenumbers.is_valid_number(parsed)
        assert phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164) == number


def test_a_household_beyond_the_fictional_ranges_is_refused() -> None:
    assert phone_number(2_600).endswith("5550199")
    for household_id in (0, 2_601):
        with pytest.raises(ValueError, match="no fictional number"):
            phone_number(household_id)


def test_some_households_have_several_devices_each_its_own() -> None:
    all_devices = [devices(household_id) for household_id in EVERYONE]
    ids = [device.device_id for of_one in all_devices for device in of_one]

    assert {len(of_one) for of_one in all_devices} == {1, 2, 3}
    assert len(set(ids)) == len(ids)
    assert {device.push_token is None for of_one in all_devices for device in of_one} == {True, False}


def test_some_households_consent_to_nothing() -> None:
    given = [consents(household_id) for household_id in EVERYONE]

    assert 250 < sum(not (one.push or one.sms or one.whatsapp) for one in given) < 450


def test_choices_are_the_same_on_every_machine() -> None:
    assert [len(devices(household_id)) for household_id in range(1, 13)] == [1, 1, 2, 1, 1, 2, 2, 3, 1, 2, 1, 2]
    assert [household_id for household_id in range(1, 13) if locale(household_id) == "es-US"] == [7, 10, 11]
    assert consents(1) == ConsentsOf(push=True, sms=True, whatsapp=False)
    assert devices(3)[0] == DeviceOf("demo-3-1", "android", "demo-3-1-09b6ba4456078ad044ebccc8")
