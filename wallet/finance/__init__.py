"""What finance staff need of the ledger: its trial balance, the daily safeguarding reconciliation, settlements."""
