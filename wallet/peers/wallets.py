"""The wallets that money between people leaves and enters."""

from uuid import UUID

from sqlalchemy.orm import Session

from wallet import accounts, standing
from wallet.accounts import Opening
from wallet.assets import wallet_currencies
from wallet.errors import AccountClosed, CurrencyUnknown


def ready(session: Session, customer_id: UUID, currency: str) -> Opening:
    """A customer's cash in a currency, opened where it is not yet; in the standing of their wallet.

    raises  CurrencyUnknown for one that customers cannot hold; AccountClosed
    """
    if currency not in wallet_currencies():
        raise CurrencyUnknown
    cash = accounts.of_customer(customer_id, currency)
    stands = standing.of(session, cash.owner)
    if stands == "closed":
        refusal = AccountClosed()
        refusal.account_id = cash.id
        raise refusal
    accounts.open_all(session, [cash])
    if stands == "frozen":
        # What has just been opened is to be no way around it.
        standing.freeze(session, cash.owner)
    return cash
