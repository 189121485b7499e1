"""What is refused about identities, and why."""

from core.errors import Kind, Refusal


class IdentityCheckOpen(Refusal):
    """`identity_check_id` in its facts is the check that goes on."""

    code = "identity_check_open"
    kind = Kind.CONFLICT
    title = "A check of this customer's identity goes on already"


class IdentityVerified(Refusal):
    code = "identity_verified"
    kind = Kind.CONFLICT
    title = "This customer's identity is verified already"


class IdentityCheckRefused(Refusal):
    """`reason` in its facts is the provider's code."""

    code = "identity_check_refused"
    title = "The identity provider did not take the check"


class IdentityChecksExhausted(Refusal):
    code = "identity_checks_exhausted"
    kind = Kind.LIMITED
    title = "Too many identity checks today"


class IdentityReferenceTaken(Refusal):
    code = "identity_reference_taken"
    kind = Kind.CONFLICT
    title = "The provider's reference names another check"
    constraint = "uq_identity_check_provider_provider_reference"
