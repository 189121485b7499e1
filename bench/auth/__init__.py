"""What sign-in costs, each part beside what it should be measured by, on the same server in the same run."""

from bench.auth import oidc_provider, refresh, sign_in, verify, world
from bench.database import fresh
from bench.figures import Figure
from bench.turns import settle


def measure() -> list[Figure]:
    with fresh() as settings:
        url = settings.database_url
        everyone = world.people_of(settings)
        settle(url)
        return [*verify.rows(url, everyone), *sign_in.rows(url), *refresh.rows(url), *oidc_provider.rows(url)]
