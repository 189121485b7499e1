"""Why a till cannot go on with what it began."""

from core.errors import Kind, Refusal


class VisitOver(Refusal):
    """One answer for a visit that has ended, was paid in, belongs to another till, or never was."""

    code = "visit_over"
    kind = Kind.NOT_FOUND
    title = "The visit is over: scan the customer's code again"
