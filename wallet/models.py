"""The ledger's tables. Only the posting functions (migration 0009) write entries, lots, holds' parts and balances."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    FetchedValue,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base
from core.events.log import Xid8


class Asset(Base):
    """What can be owned: a currency, or points. `exponent`: how many decimals its minor unit stands for."""

    __tablename__ = "asset"
    __table_args__ = (CheckConstraint("exponent BETWEEN 0 AND 8", name="exponent"), {"schema": "wallet"})

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    exponent: Mapped[int] = mapped_column(SmallInteger)


class Account(Base):
    """A place where value stands. The id is derived from owner, purpose and asset (`accounts.id_of`).

    floor   the least that may stand on it; None for no limit
    status  frozen: nothing may leave it
    hot     many transfers at once meet here, so it is locked last
    shards  over how many balances it is spread
    """

    __tablename__ = "account"
    __table_args__ = (
        UniqueConstraint("owner", "purpose", "asset"),
        UniqueConstraint("id", "asset", "status"),
        CheckConstraint("status IN ('open', 'frozen', 'closed')", name="status"),
        CheckConstraint("shards = 1 OR shards BETWEEN 2 AND 64 AND floor IS NULL AND NOT has_lots", name="shards"),
        # A sandbox's people hold its money alone, and nobody else holds any: their ids say which they are (0024).
        CheckConstraint(
            "owner !~ '^(customer|merchant):' OR (asset = 'XTS') = (substr(split_part(owner, ':', 2), 15, 1) = '8')",
            name="sandbox",
        ),
        {"schema": "wallet"},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    owner: Mapped[str] = mapped_column(Text)
    purpose: Mapped[str] = mapped_column(Text)
    asset: Mapped[str] = mapped_column(Text, ForeignKey("wallet.asset.code"))
    floor: Mapped[int | None] = mapped_column(BigInteger)
    hot: Mapped[bool]
    status: Mapped[str] = mapped_column(Text, server_default="open")
    has_lots: Mapped[bool] = mapped_column(server_default="false")
    shards: Mapped[int] = mapped_column(SmallInteger, server_default="1")


class Balance(Base):
    """What stands on a shard of an account now; `version` counts its entries. Other columns are the account's."""

    __tablename__ = "balance"
    __table_args__ = (
        ForeignKeyConstraint(
            ["account_id", "asset", "status"],
            ["wallet.account.id", "wallet.account.asset", "wallet.account.status"],
            onupdate="CASCADE",
        ),
        CheckConstraint("held >= 0 AND (floor IS NULL OR posted - held >= floor)", name="floor"),
        {"schema": "wallet"},
    )

    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    shard: Mapped[int] = mapped_column(SmallInteger, primary_key=True, server_default="0")
    asset: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    hot: Mapped[bool]
    floor: Mapped[int | None] = mapped_column(BigInteger)
    posted: Mapped[int] = mapped_column(BigInteger, server_default="0")
    held: Mapped[int] = mapped_column(BigInteger, server_default="0")
    version: Mapped[int] = mapped_column(BigInteger, server_default="0")
    has_lots: Mapped[bool] = mapped_column(server_default="false")


class TransferRow(Base):
    """One movement of value, or the frozen refusal of one, under its principal's idempotency key.

    kind        "topup.key" only keeps the key of a top-up, for which nothing else can be posted under it
    parent_id   the transfer that this one gives back from
    hold_id     the hold that this one places, captures or ends
    epoch, xid  when it was committed, for who reads transfers in order
    """

    __tablename__ = "transfer"
    __table_args__ = (
        UniqueConstraint("principal", "key"),
        Index("ix_transfer_parent_id", "parent_id", postgresql_where=text("parent_id IS NOT NULL")),
        Index(None, "epoch", "xid"),
        {"schema": "wallet"},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    principal: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(Text)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    kind: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, server_default="posted")
    refusal: Mapped[dict[str, Any] | None]
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("wallet.transfer.id"))
    details: Mapped[dict[str, Any]]
    effective_at: Mapped[datetime]
    recorded_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
    hold_id: Mapped[UUID | None]
    epoch: Mapped[int] = mapped_column(server_default=FetchedValue())
    xid: Mapped[str] = mapped_column(Xid8, server_default=FetchedValue())


class TransferPart(Base):
    """What one source gave to a transfer, and how much of it has gone back.

    Made by the posting where there are several sources, and else when the one first gives back (the view
    `wallet.source` shows both).
    """

    __tablename__ = "transfer_part"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("refunded >= 0", name="refunded"),
        CheckConstraint("refunded <= amount", name="refund_cap"),
        {"schema": "wallet"},
    )

    transfer_id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int]
    amount: Mapped[int] = mapped_column(BigInteger)
    refunded: Mapped[int] = mapped_column(BigInteger, server_default="0")


class Entry(Base):
    """What one transfer did to one account. `version` and `balance_after` count within the account's shard."""

    __tablename__ = "entry"
    __table_args__ = (
        CheckConstraint("amount <> 0", name="amount"),
        Index(None, "account_id", "transfer_id"),
        {"schema": "wallet", "postgresql_partition_by": "RANGE (transfer_id)"},
    )

    transfer_id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    shard: Mapped[int] = mapped_column(SmallInteger)
    version: Mapped[int] = mapped_column(BigInteger)
    amount: Mapped[int] = mapped_column(BigInteger)
    balance_after: Mapped[int] = mapped_column(BigInteger)
    effective_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
