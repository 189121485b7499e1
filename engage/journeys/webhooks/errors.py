"""How webhooks say no."""

from core.errors import InvalidInput, Kind, Refusal


class TargetUnsafe(InvalidInput):
    """`errors` says what speaks against the address."""

    code = "target_unsafe"
    title = "Journeys cannot call this address"


class TargetTaken(Refusal):
    code = "target_taken"
    kind = Kind.CONFLICT
    title = "Another target has this name"
