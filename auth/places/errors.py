"""How places say no."""

from core.errors import Kind, Refusal


class StatusFinal(Refusal):
    """A terminal that was revoked, a customer who is being erased."""

    code = "status_final"
    kind = Kind.CONFLICT
    title = "This status holds for ever: there is no way back from it"
