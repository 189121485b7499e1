"""Seals: a hash chain over the ledger's transfers, whose head can be kept where nobody of ours can write."""

from core.chain_heads import Head
from wallet.seals.chain import first_difference, head, seal_all, seal_due

__all__ = ["Head", "first_difference", "head", "seal_all", "seal_due"]
