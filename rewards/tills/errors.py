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
