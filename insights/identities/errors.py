"""How identities say no."""

from core.errors import Kind, Refusal


class UndoTooLate(Refusal):
    code = "undo_too_late"
    kind = Kind.CONFLICT
    title = "A link can be undone for 30 days"
