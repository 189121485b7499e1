"""How results say no."""

from core.errors import InvalidInput


class PricesInvalid(InvalidInput):
    code = "prices_invalid"
    title = "The prices of messages contradict each other"


class ResultsTooWide(InvalidInput):
    code = "results_too_wide"
    title = "Ask for at most 366 days at once"
