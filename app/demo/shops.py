"""The files' stores as one merchant's, each with a terminal, and the products that they sell."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.demo import batches
from app.demo.source import Product, StoreOf
from app.demo.source_files import TIME_ZONE
from auth import merchants
from core.db import transaction
from rewards import products

MERCHANT = "Complete Journey Grocers"
STORES_AT_ONCE = 20
PRODUCTS_AT_ONCE = 2_000


def open_merchant(*, now: datetime) -> UUID:
    with transaction() as session:
        return merchants.add_merchant(session, name=MERCHANT, now=now).id


def open_stores(
    stores: Sequence[StoreOf], *, merchant_id: UUID, now: datetime
) -> Iterator[dict[int, tuple[UUID, UUID]]]:
    """Open each store with a terminal; yields each batch's (store id, terminal id) by store number."""
    for batch in batches.of(stores, STORES_AT_ONCE):
        opened = {}
        with transaction() as session:
            for number in [store.store_id for store in batch]:
                store = merchants.add_store(
                    session,
                    merchant_id=merchant_id,
                    name=f"Store {number}",
                    reference=str(number),
                    time_zone=TIME_ZONE,
                    now=now,
                )
                terminal = merchants.add_terminal(
                    session, store_id=store.id, name="Till 1", public_key=_public_key(), now=now
                )
                opened[number] = (store.id, terminal.id)
        yield opened


def import_products(wanted: Sequence[Product]) -> Iterator[int]:
    """Import the products; yields how many each batch held."""
    for batch in batches.of(wanted, PRODUCTS_AT_ONCE):
        with transaction() as session:
            products.put_all(session, [_product(product) for product in batch])
        yield len(batch)


def _product(product: Product) -> products.Product:
    return products.Product(
        sku=product.sku,
        name=product.product_type or product.category,
        category=product.category,
        department=product.department,
        brand=product.brand,
        size=product.package_size,
    )


def _public_key() -> str:
    """The public half of a pair whose private half nobody keeps: the demo's tills get their tokens minted."""
    public = Ed25519PrivateKey.generate().public_key()
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return public.public_bytes(serialization.Encoding.PEM, form).decode()
