"""Paying at tills and by scanned codes: whom a code names, what pays, and how a lost answer is undone."""
