"""How keys say no."""

from core.errors import Kind, Refusal


class KeyInUse(Refusal):
    code = "signing_key_in_use"
    kind = Kind.CONFLICT
    title = "Only a retired key can be withdrawn: rotate first"
