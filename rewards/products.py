"""Products: the brand's catalogue, imported; campaigns' scopes and baskets name them by sku."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from core.db import connection_of


@dataclass(frozen=True, slots=True)
class Product:
    sku: str
    name: str
    category: str
    department: str | None = None
    brand: str | None = None
    size: str | None = None


def put_all(session: Session, products: Sequence[Product]) -> None:
    """Insert or replace products by sku, with one statement for any number."""
    columns = [
        [getattr(product, name) for product in products]
        for name in ("sku", "name", "department", "category", "brand", "size")
    ]
    connection_of(session).execute(_PUT, columns)


_PUT = """
    INSERT INTO rewards.product (sku, name, department, category, brand, size)
    SELECT DISTINCT ON (sku) *
      FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[])
           AS p (sku, name, department, category, brand, size)
     ORDER BY sku
        ON CONFLICT (sku) DO UPDATE
       SET name = excluded.name, department = excluded.department, category = excluded.category,
           brand = excluded.brand, size = excluded.size
"""
