"""Assets: the currencies and points that a wallet can hold."""

from core.errors import ConfigurationError
from core.money import POINTS, SANDBOX
from core.settings import Settings
from wallet.errors import CurrencyUnknown

#: Decimals of the minor unit, by ISO 4217; points have none. The sandboxes' money is not here, so that whatever asks
#: which currencies there are leaves it out.
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
    if code == SANDBOX:
        return 2
    if code not in EXPONENTS:
        raise CurrencyUnknown
    return EXPONENTS[code]


_settings = Settings()


def load(settings: Settings) -> None:
    """Take the currencies in which this brand's wallets are opened and topped up, and where its days begin.

    raises  ConfigurationError for a currency that the wallet does not know
    """
    global _settings
    currencies = sorted(EXPONENTS.keys() - {POINTS})
    for name, given in (("BRAND_CURRENCY", [settings.brand_currency]), ("WALLET_CURRENCIES", _also(settings))):
        for unknown in sorted(set(given) - set(currencies)):
            raise ConfigurationError(f"{name} {unknown} is none of {', '.join(currencies)}")
    _settings = settings


def brand_currency() -> str:
    return _settings.brand_currency


def brand_time_zone() -> str:
    return _settings.brand_time_zone


def wallet_currencies() -> list[str]:
    """What customers can hold: the brand's currency first, then those that the settings name beside it."""
    return [brand_currency(), *(code for code in _also(_settings) if code != brand_currency())]


def _also(settings: Settings) -> list[str]:
    return [code.strip() for code in settings.wallet_currencies.split(",") if code.strip()]
