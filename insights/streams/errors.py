"""How counting says no."""

from core.errors import Kind, Refusal


class TooMuchCounted(Refusal):
    code = "too_much_counted"
    kind = Kind.CONFLICT
    title = "No more can be counted: archive segments and end journeys that nobody needs"
