"""Network addresses, as far as one caller can hardly change them."""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network


@lru_cache(maxsize=10_000)
def network_of(address: str) -> str:
    """An IPv4 address itself, and of an IPv6 address the 64 bits that a household gets."""
    try:
        given = ip_address(address)
    except ValueError:
        return address
    if isinstance(given, IPv6Address):
        return str(given.ipv4_mapped or ip_network((given, 64), strict=False))
    return str(given)
