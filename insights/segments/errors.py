"""How segments say no."""

from core.errors import InvalidInput, Kind, Refusal


class SegmentInvalid(InvalidInput):
    """`errors` names each fault by a JSON pointer into what was sent, in words for the person who wrote it."""

    code = "segment_invalid"
    title = "The segment cannot be used as it is"


class SegmentKeyTaken(Refusal):
    code = "segment_key_taken"
    kind = Kind.CONFLICT
    title = "Another segment has this key, or had it"
    constraint = "uq_segment_key"


class SegmentChanged(Refusal):
    code = "segment_changed"
    kind = Kind.CONFLICT
    title = "Somebody else has changed the segment since you read it; read it again"


class SegmentInUse(Refusal):
    code = "segment_in_use"
    kind = Kind.CONFLICT
    title = "Other segments, campaigns or journeys go by this segment, so it stays"


class SegmentTooCostly(Refusal):
    code = "segment_too_costly"
    kind = Kind.REFUSED
    title = "Counting this took too long; ask for fewer things or shorter windows at once"
