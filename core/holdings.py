"""What a room holds on a customer, told once a table: exports and erasures are made from it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import Connection

#: Columns of the house's own machinery, which say nothing of anybody.
MACHINERY = frozenset({"epoch", "xid", "seq", "slot", "lease_until", "lease_token", "last_error", "attempts", "trace"})

Erased = Literal["dropped", "cleared", "kept"]


@dataclass(frozen=True, slots=True)
class Sealed:
    """Where a sealed column opens: its place, and the columns that name the owner of its key and its row."""

    place: str
    owner: str = "customer_id"
    row: str = "id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What one table holds on a customer.

    where    SQL that finds the customer's rows: %(customer)s is the id, %(name)s "customer:<id>"
    opens    sealed columns that an export shows; what is sealed or hashed otherwise it leaves out
    hides    columns that an export leaves out besides: secrets, and what is somebody else's
    people   columns that name customers: an export tells which of them is the customer, and nothing of the others
    order    what an export's rows are sorted by
    is_told  False where an export leaves the table out; `why` says why
    erased   what erasing does with the rows: "dropped", "cleared" (`clears` set to NULL), or "kept", and `why`
    erases   SQL that finds the rows to be erased, where those are not all that are told; the others are kept, and `why`
    """

    table: str
    where: str = "customer_id = %(customer)s"
    opens: Mapping[str, Sealed] = field(default_factory=dict)
    hides: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    order: str = "id"
    is_told: bool = True
    erased: Erased = "kept"
    clears: tuple[str, ...] = ()
    erases: str = ""
    why: str = ""

    def __post_init__(self) -> None:
        if (self.erased == "cleared") != bool(self.clears):
            raise ValueError(f"{self.table}: what is cleared is named, and nothing else")
        if (self.erased == "kept" or self.erases or not self.is_told) and not self.why:
            raise ValueError(f"{self.table}: what is kept, or not told, has a reason")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a customer cannot be erased yet, or what they lose by it.

    forfeit  the word by which the customer agrees to lose it; None where it has to be gone before
    facts    amounts, counts
    """

    code: str
    forfeit: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


Objections = Callable[[Session, UUID, datetime], Sequence[Reason]]
#: What happens in the transaction that accepts an erasure: whoever is told what to forfeit gives figures back.
Parting = Callable[[Session, UUID, datetime], Mapping[str, Any]]
#: Figures that an erasure must leave as they are.
Proof = Callable[[Connection, UUID], Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A room, with all that it holds on customers; its tables in the order in which they are erased.

    exempt  tables with a customer's column that hold nothing on a customer, each with the reason
    """

    room: str
    held: Sequence[Held]
    exempt: Mapping[str, str] = field(default_factory=dict)
    objections: Objections | None = None
    parting: Parting | None = None
    proof: Proof | None = None
