"""How exports and erasures say no."""

from core.errors import Kind, Refusal


class ErasureRefused(Refusal):
    """facts: reasons, each with its code, perhaps amount_minor, currency or count, and, where the customer may agree to
    lose it, the word for `forfeit`."""

    code = "erasure_refused"
    kind = Kind.CONFLICT
    title = "Something has to be settled before this account can be deleted"


class ErasureUnderWay(Refusal):
    code = "erasure_under_way"
    kind = Kind.CONFLICT
    title = "This account is being deleted already"
    constraint = "uq_erasure_customer_id"


class ExportNotReady(Refusal):
    code = "export_not_ready"
    kind = Kind.CONFLICT
    title = "The export is still being gathered"


class ExportOver(Refusal):
    code = "export_over"
    kind = Kind.NOT_FOUND
    title = "This export is no longer kept: ask for a new one"
