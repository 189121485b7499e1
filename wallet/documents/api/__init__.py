"""The explained wallet at each door: statements, balances as of an instant, receipts."""
