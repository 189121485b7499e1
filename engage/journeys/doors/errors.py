"""How doors say no."""

from core.errors import InvalidInput, Kind, Refusal


class DoorInvalid(InvalidInput):
    """`errors` names each fault by a JSON pointer."""

    code = "door_invalid"
    title = "The door cannot be made as it is"


class DoorTaken(Refusal):
    code = "door_taken"
    kind = Kind.CONFLICT
    title = "Another door has this name or word"


class DoorClosed(Refusal):
    """It has not opened yet, is over, or staff closed it."""

    code = "door_closed"
    kind = Kind.REFUSED
    title = "Nobody can come in here now"


class EntryReused(Refusal):
    code = "entry_reference_reused"
    kind = Kind.CONFLICT
    title = "This reference has named somebody else before"


class EntryTooOften(Refusal):
    """It is told of every number alike, a customer's or not."""

    code = "entry_too_often"
    kind = Kind.CONFLICT
    title = "This door has had this number twenty times within 30 days"


class EntryInvalid(InvalidInput):
    """`errors` names each fault by a JSON pointer."""

    code = "entry_invalid"
    title = "Nobody can be let in by this"
