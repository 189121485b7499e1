"""How Apple's and Google's identities say no."""

from core.errors import Kind, Refusal


class IdentityRefused(Refusal):
    """One answer for whatever is wrong with a token, its nonce or where it is from."""

    code = "provider_identity_refused"
    title = "This sign-in of Apple or Google does not work: ask for a nonce and sign in there again"


class IdentityTaken(Refusal):
    """Told only to who has just shown that the identity is theirs."""

    code = "provider_identity_taken"
    kind = Kind.CONFLICT
    title = "Another customer has linked this identity"
    constraint = "uq_identity_subject_index"


class IdentityExists(Refusal):
    code = "provider_identity_exists"
    kind = Kind.CONFLICT
    title = "You have linked another identity of this provider: unlink it first"
    constraint = "uq_identity_customer_id_provider"
