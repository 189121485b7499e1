"""What the measurements of sign-in share: who there is, and what a request costs on both sides of the socket."""

from auth import tokens
from bench import processes
from bench.wallet import people
from bench.wallet.http import Requests, load
from bench.wallet.people import People
from bench.wallet.server import Server
from core.settings import Settings

#: The whole load comes from one address.
NO_LIMITS = {"RATE_LIMITS": "address=9999999"}


def people_of(settings: Settings) -> People:
    """Customers with money and merchants; and the key that tokens are minted by here as well."""
    tokens.load_key(settings)
    return people.sign_up()


def cost_us(url: str, server: Server, requests: Requests, *, expected: str) -> dict[str, float]:
    """CPU of the server and of PostgreSQL for each of these requests, sent once in their order."""
    postmaster = processes.postmaster_of(url)
    before = processes.cpu_seconds(postmaster) if postmaster else 0.0
    done = load(server, requests, expected=expected, count=len(requests))
    spent = (processes.cpu_seconds(postmaster) if postmaster else 0.0) - before
    return {"server_us": done.more["server_us"], "postgres_us": spent / done.count * 1e6}
