"""What connectors hold on a customer: what other systems call them."""

from core.holdings import Held, Holder

HOLDER = Holder(
    room="connect",
    held=(Held(table="connect.external_identity", order="source", erased="dropped"),),
)
