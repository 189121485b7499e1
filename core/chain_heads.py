"""Heads of hash chains: what is kept of one outside the database, by the audit log as by the ledger."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Head:
    """The last block. Kept outside as "number:hash", it pins everything before it."""

    number: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.number}:{self.hash.hex()}"

    @classmethod
    def parse(cls, text: str) -> "Head":
        """raises  ValueError for what `str` of a head never gives"""
        number, _, digest = text.strip().partition(":")
        head = cls(int(number), bytes.fromhex(digest))
        if head.number < 0 or len(head.hash) != 32:
            raise ValueError("a head is number:hash, the hash of 64 hexadecimal digits")
        return head
