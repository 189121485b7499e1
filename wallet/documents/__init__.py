"""What people keep of their wallet: statements and receipts as pages, pictures and tables.

Nothing here asks the database: each function is handed what it shows, in the words of `wallet.months` and
`wallet.receipts`.
"""
