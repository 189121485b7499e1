"""The wallet: a double-entry ledger, and what customers and merchants do with value on it."""
