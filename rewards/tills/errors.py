"""Every way in which a till's proof is refused."""

from core.errors import Kind, Refusal


class SignatureRequired(Refusal):
    code = "signature_required"
    kind = Kind.FORBIDDEN
    title = "Sign the request with the terminal's key, as Terminal-Signature"


class SignatureInvalid(Refusal):
    code = "signature_invalid"
    kind = Kind.FORBIDDEN
    title = "The Terminal-Signature is not one of this terminal's for this request, or too old"


class SandboxOnly(Refusal):
    code = "sandbox_only"
    kind = Kind.FORBIDDEN
    title = "Only a sandbox's terminal may do this"


class SandboxesFull(Refusal):
    """facts: most."""

    code = "sandboxes_full"
    title = "There are as many sandboxes as there may be"


class SandboxWalletFull(Refusal):
    """facts: has_minor, most_minor."""

    code = "sandbox_wallet_full"
    title = "A sandbox's customer can have no more than that"
