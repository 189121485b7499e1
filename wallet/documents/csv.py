"""Tables as CSV, by the name that the wallet's documents know them by."""

from core.tables import CONTENT_TYPE, lines, table, words

__all__ = ["CONTENT_TYPE", "lines", "table", "words"]
