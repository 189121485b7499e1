"""How journeys say no."""

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


class MoveInvalid(InvalidInput):
    """`errors` names each fault by a JSON pointer, in words for the person who published."""

    code = "move_invalid"
    title = "Those inside the journey cannot be moved so"


class DraftOutdated(Refusal):
    code = "draft_outdated"
    kind = Kind.CONFLICT
    title = "Somebody else has changed the draft; read it again"


class DraftMissing(Refusal):
    code = "draft_missing"
    kind = Kind.CONFLICT
    title = "The journey has no draft to publish"


class JourneyFixed(Refusal):
    """A share of those held out, or the time that orders count, says nothing once it was changed on the way."""

    code = "journey_fixed"
    kind = Kind.CONFLICT
    title = "This cannot be changed once a version is published; make a new journey"
