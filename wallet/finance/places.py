"""Places: accounts in the words of finance staff, the same in a request, in a file and in a command.

customer:<id>:cash   customer:<id>:promotional   customer:<id>:points   customer:<id>:debt
merchant:<id>        what the brand owes a merchant
brand:marketing      and the brand's other accounts
"""

from dataclasses import dataclass
from uuid import UUID

from core.money import POINTS
from wallet import accounts
from wallet.accounts import Opening
from wallet.assets import EXPONENTS, wallet_currencies

CUSTOMERS_OWN = ("cash", "promotional", "points", "debt")

#: What each is for, as staff read it in the documents.
BRANDS_OWN = {
    "marketing": "the fund out of which customers are given money",
    "loyalty": "promotional value and points that were given out",
    "fees": "fees earned",
    "breakage": "value that lapsed",
    "losses": "what is written off",
    "offline_losses": "vouchers that tills took offline and that did not hold",
    "suspense": "what is not explained yet",
    "bank": "paid out through the bank",
    "provider": "held for us by the payment provider",
}

#: Real money stands there, so no points.
_OUTSIDE = frozenset({"bank", "provider"})

#: What of a customer's can be given money.
_GIVEN_MONEY = frozenset({"cash", "promotional"})

_NOT_HELD = "The wallet does not hold this currency."

FORMS = "customer:<id>:cash (or promotional, points, debt), merchant:<id>, or brand:<account>"


@dataclass(frozen=True, slots=True)
class Place:
    """id  of the customer or merchant; None for the brand"""

    owner: str
    id: UUID | None
    purpose: str

    def __str__(self) -> str:
        if self.owner == "brand":
            return f"brand:{self.purpose}"
        return f"customer:{self.id}:{self.purpose}" if self.owner == "customer" else f"merchant:{self.id}"

    @property
    def has_lots(self) -> bool:
        return self.owner == "customer" and self.purpose in accounts.LOT_PURPOSES

    def opening(self, currency: str) -> Opening:
        """raises  ValueError, in words to show, for what cannot stand there"""
        if currency not in EXPONENTS:
            raise ValueError(_NOT_HELD)
        if self.id is None:
            if currency == POINTS and self.purpose in _OUTSIDE:
                raise ValueError(f"There are no points on {self}.")
            return accounts.of_brand(self.purpose, currency)
        if (self.purpose == "points") != (currency == POINTS):
            raise ValueError(f"{self} holds {'points (PTS)' if self.purpose == 'points' else 'money'} only.")
        if self.owner == "merchant":
            return accounts.of_merchant(self.id, currency)
        if self.purpose == "points":
            return accounts.points(self.id)
        return _OPENINGS[self.purpose](self.id, currency)

    def receiving(self, currency: str) -> Opening:
        """As `opening`, of where value goes: customers are given what the brand's wallets hold. (What stands there in a
        currency that they held before can still be taken, and a debt paid.)

        raises  ValueError, in words to show
        """
        opening = self.opening(currency)
        if self.owner == "customer" and self.purpose in _GIVEN_MONEY and currency not in wallet_currencies():
            raise ValueError(_NOT_HELD)
        return opening


_OPENINGS = {"cash": accounts.of_customer, "promotional": accounts.promotional, "debt": accounts.debt}


def of_customer(customer_id: UUID, purpose: str) -> Place:
    return Place("customer", customer_id, purpose)


def of_merchant(merchant_id: UUID) -> Place:
    return Place("merchant", merchant_id, "payable")


def of_brand(purpose: str) -> Place:
    return Place("brand", None, purpose)


def read(text: str) -> Place:
    """The place that a text names.

    raises  ValueError, in words to show
    """
    match text.split(":"):
        case ["customer", customer_id, purpose] if purpose in CUSTOMERS_OWN and (known := _id(customer_id)):
            return of_customer(known, purpose)
        case ["merchant", merchant_id] if known := _id(merchant_id):
            return of_merchant(known)
        case ["brand", purpose] if purpose in BRANDS_OWN:
            return of_brand(purpose)
    raise ValueError(f"Must be {FORMS}; the brand's accounts are {', '.join(BRANDS_OWN)}.")


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
