"""How engage says no."""

from core.errors import InvalidInput, Kind, Refusal


class JourneyInvalid(InvalidInput):
    """`errors` names each fault by a JSON pointer into the journey, in words for the person who drew it."""

    code = "journey_invalid"
    title = "The journey cannot be published as it is"


class JourneyNotPublished(Refusal):
    code = "journey_not_published"
    kind = Kind.CONFLICT
    title = "The journey has no published version yet; publish one first"


class JourneyEnded(Refusal):
    code = "journey_ended"
    kind = Kind.CONFLICT
    title = "The journey has ended; make a new one"
