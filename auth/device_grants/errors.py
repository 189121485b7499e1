"""How device grants say no to whoever approves them; devices are told in OAuth's words."""

from core.errors import Kind, Refusal


class UserCodeUnknown(Refusal):
    """One answer for a code that never was, ran out or was decided before."""

    code = "user_code_unknown"
    title = "No device shows this code (any more): have it show another one"


class UserCodesLimited(Refusal):
    code = "user_codes_limited"
    kind = Kind.LIMITED
    title = "Too many wrong codes; try again later"


class NoTill(Refusal):
    """A code that an app shows is for the customer to approve."""

    code = "no_till"
    title = "What shows this code is no till"
