"""Assets: the currencies and points that a wallet can hold."""

from core.errors import ConfigurationError
from core.money import POINTS
from core.settings import Settings
from wallet.errors import CurrencyUnknown

#: Decimals of the minor unit, by ISO 4217; points have none.
EXPONENTS = {
    POINTS: 0,
    **dict.fromkeys(("AED", "AUD", "BRL", "CAD", "CHF", "CZK", "DKK", "EUR", "GBP", "HKD", "ILS", "INR"), 2),
    **dict.fromkeys(("MXN", "NOK", "NZD", "PLN", "SEK", "SGD", "TRY", "USD", "ZAR"), 2),
    **dict.fromkeys(("ISK", "JPY", "KRW"), 0),
    **dict.fromkeys(("BHD", "JOD", "KWD"), 3),
}


def exponent_of(code: str) -> int:
    """How many decimals the asset's minor unit stands for: 2 for USD.

    raises  CurrencyUnknown
    """
    if code not in EXPONENTS:
        raise CurrencyUnknown
    return EXPONENTS[code]


_brand_currency = Settings().brand_currency


def load_brand_currency(settings: Settings) -> None:
    """Take the currency in which this brand's wallets are opened and topped up.

    raises  ConfigurationError for one that the wallet does not know
    """
    global _brand_currency
    currencies = sorted(EXPONENTS.keys() - {POINTS})
    if settings.brand_currency not in currencies:
        raise ConfigurationError(f"BRAND_CURRENCY {settings.brand_currency} is none of {', '.join(currencies)}")
    _brand_currency = settings.brand_currency


def brand_currency() -> str:
    return _brand_currency
