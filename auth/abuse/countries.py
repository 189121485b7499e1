"""Countries that codes are sent to."""

from functools import lru_cache

from core.delivery import countries
from core.settings import Settings


# One sign-in asks for it three times, and to read a number takes as long as a statement.
@lru_cache(maxsize=1_000)
def of(phone: str) -> str | None:
    """The country of a number (E.164), ISO 3166-1 alpha-2; None for numbers of no country, ships' and satellites'."""
    return countries.of_recipient("sms", phone)


def is_served(country: str | None, settings: Settings) -> bool:
    """Whether codes are sent there: everywhere where OTP_COUNTRIES names none."""
    served = settings.served_countries
    return not served or country in served
