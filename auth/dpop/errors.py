"""How the doors say no to who proves no key, or not the right one (RFC 9449 section 7.1)."""

from core.errors import Unauthenticated

_SCHEME = 'DPoP realm="pocketful", algs="ES256 EdDSA"'


class DpopProofInvalid(Unauthenticated):
    code = "dpop_proof_invalid"
    title = "The DPoP proof is missing, was used before, or is not of this request, this token and its key"
    challenge = f'{_SCHEME}, error="invalid_dpop_proof"'


class DpopNeeded(Unauthenticated):
    code = "dpop_needed"
    title = "This needs a DPoP proof by the key that signed in"
    challenge = f'{_SCHEME}, error="invalid_dpop_proof"'
