"""How passkeys say no."""

from core.errors import Kind, Refusal


class PasskeyRefused(Refusal):
    """One answer for every reason, so that nobody learns by trying. facts: tries_left, where tries are counted."""

    code = "passkey_refused"
    title = "This passkey does not work here"


class PasskeyTaken(Refusal):
    code = "passkey_taken"
    kind = Kind.CONFLICT
    title = "This passkey is known already"
    constraint = "uq_passkey_credential_id"


class PasskeysFull(Refusal):
    """facts: most."""

    code = "passkeys_full"
    title = "There are as many passkeys as one may have; remove one first"


class PasskeysLimited(Refusal):
    code = "passkeys_limited"
    kind = Kind.LIMITED
    title = "Too many passkeys were asked for today; try again later"


class PasskeyNeeded(Refusal):
    code = "passkey_needed"
    title = "This is approved with a passkey, and you have none: make one first"


class PasskeyYoung(Refusal):
    """facts: approves_from."""

    code = "passkey_young"
    title = "This passkey is too new for that"
