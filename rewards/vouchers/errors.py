"""How codes in bulk say no."""

from core.errors import Kind, Refusal


class PatternInvalid(Refusal):
    """`errors` name each part of the pattern that is wrong."""

    code = "pattern_invalid"
    kind = Kind.INVALID
    title = "Codes cannot look like this"


class PatternTooSmall(Refusal):
    code = "pattern_too_small"
    kind = Kind.INVALID
    title = "There are too few different codes of this pattern"


class ImportRefused(Refusal):
    """`errors` name the lines, and so does the batch."""

    code = "import_refused"
    kind = Kind.REFUSED
    title = "Some lines cannot be imported, so none was"


class ImportMediaUnknown(Refusal):
    code = "import_media_unknown"
    kind = Kind.INVALID
    title = "Send the codes as text/csv, in UTF-8, one on each line"
