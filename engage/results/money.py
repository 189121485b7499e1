"""Money in sentences."""

from wallet.assets import exponent_of


def money(minor: float, currency: str) -> str:
    """1050 minor units are "10.50 USD"."""
    exponent = exponent_of(currency)
    return f"{minor / 10**exponent:,.{exponent}f} {currency}"
