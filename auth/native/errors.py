"""How a change of number is refused."""

from core.errors import Kind, Refusal


class PhoneTaken(Refusal):
    """Told only to who has just proved that they read what is sent to the number."""

    code = "phone_taken"
    kind = Kind.CONFLICT
    title = "Another customer has this number"
    constraint = "uq_customer_phone_index"


class PhoneUnchanged(Refusal):
    code = "phone_unchanged"
    title = "This is the number that you have"


class PhoneCodeWrong(Refusal):
    """Also for a code that ran out, was tried too often, or was never sent."""

    code = "phone_code_wrong"
    title = "This code is wrong or works no more; ask for another one"


class PhoneCodeLimited(Refusal):
    code = "phone_code_limited"
    kind = Kind.LIMITED
    title = "Too many codes were asked for; try again later"


class PhoneNotServed(Refusal):
    code = "phone_not_served"
    title = "We do not send codes to this country"


class NumberChangeOpen(Refusal):
    code = "number_change_open"
    kind = Kind.CONFLICT
    title = "A change of the number is under way: cancel it first, or wait for it"
    constraint = "uq_number_change_open"


class NumberChangeOver(Refusal):
    code = "number_change_over"
    kind = Kind.CONFLICT
    title = "There is no change of the number under way (any more)"
