"""Why a reservation cannot be used."""

from core.errors import Kind, Refusal


class ReservationOver(Refusal):
    """One answer for a reservation that has ended, or belongs to another till, or never was."""

    code = "reservation_over"
    kind = Kind.NOT_FOUND
    title = "The reservation is over: reserve again"
