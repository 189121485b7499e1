"""The currencies' three-digit numbers, as codes and card schemes write them (ISO 4217)."""

from collections.abc import Mapping

NUMERIC: Mapping[str, str] = {
    "AED": "784", "AUD": "036", "BHD": "048", "BRL": "986", "CAD": "124", "CHF": "756", "CZK": "203", "DKK": "208",
    "EUR": "978", "GBP": "826", "HKD": "344", "ILS": "376", "INR": "356", "ISK": "352", "JOD": "400", "JPY": "392",
    "KRW": "410", "KWD": "414", "MXN": "484", "NOK": "578", "NZD": "554", "PLN": "985", "SEK": "752", "SGD": "702",
    "TRY": "949", "USD": "840", "XTS": "963", "ZAR": "710",
}  # fmt: skip

ALPHABETIC: Mapping[str, str] = {number: code for code, number in NUMERIC.items()}
