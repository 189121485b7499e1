"""What the data does not tell of a household, made up the same way on every run: phone, devices, language, consents.

All of it is simulated; none of it comes from the files. A choice depends on the household's number alone, so it is
the same for every window and on every machine.
"""

from dataclasses import dataclass
from random import Random
from typing import Literal

# The North American plan keeps 555-0100 to 555-0199 of every area code for fiction: no such number rings anywhere.
# A hundred a code, so 26 codes hold the 2,500 household numbers with room; all are in use, as parsers check that.
AREA_CODES = (
    205, 212, 213, 214, 216, 303, 305, 312, 313, 314, 404, 412, 414,
    415, 502, 503, 504, 512, 513, 602, 612, 615, 617, 702, 713, 801,
)  # fmt: skip
NUMBERS_A_CODE = 100


@dataclass(frozen=True, slots=True)
class DeviceOf:
    """A phone or tablet; `push_token` is None where its owner never allowed push."""

    device_id: str
    platform: Literal["ios", "android"]
    push_token: str | None


@dataclass(frozen=True, slots=True)
class ConsentsOf:
    """The channels on which the household agreed to marketing; service messages need none."""

    push: bool
    sms: bool
    whatsapp: bool


def phone_number(household_id: int) -> str:
    """The household's own E.164 number out of the ranges for fiction: 1 has +12055550100, 101 has +12125550100.

    raises   ValueError beyond 1 to 2,600
    """
    code, last_two = divmod(household_id - 1, NUMBERS_A_CODE)
    if not 0 <= code < len(AREA_CODES):
        raise ValueError(f"no fictional number for household {household_id}")
    return f"+1{AREA_CODES[code]}55501{last_two:02d}"


def devices(household_id: int) -> tuple[DeviceOf, ...]:
    """One device (seven households in ten), two or three; one in ten has no push token."""
    choice = _choice("devices", household_id)
    count = choice.choices((1, 2, 3), weights=(70, 22, 8))[0]
    return tuple(_device(choice, household_id, number) for number in range(1, count + 1))


def consents(household_id: int) -> ConsentsOf:
    """Marketing consent by channel; about one household in seven gave none at all."""
    choice = _choice("consents", household_id)
    if choice.random() < 0.1:
        return ConsentsOf(push=False, sms=False, whatsapp=False)
    return ConsentsOf(push=choice.random() < 0.8, sms=choice.random() < 0.6, whatsapp=choice.random() < 0.3)


def locale(household_id: int) -> str:
    """`en-US`, or `es-US` for about one household in seven."""
    return "es-US" if _choice("locale", household_id).random() < 0.14 else "en-US"


def _device(choice: Random, household_id: int, number: int) -> DeviceOf:
    platform: Literal["ios", "android"] = "ios" if choice.random() < 0.55 else "android"
    token = f"demo-{household_id}-{number}-{choice.getrandbits(96):024x}"
    return DeviceOf(f"demo-{household_id}-{number}", platform, token if choice.random() < 0.9 else None)


def _choice(topic: str, household_id: int) -> Random:
    # A generator a topic: one more question of one topic never changes the answers of another.
    return Random(f"pocketful demo/{topic}/{household_id}")
