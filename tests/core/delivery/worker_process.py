"""Workers to be killed: for each line of input one is forked, which sends until nothing is due.

`python -m tests.core.delivery.worker_process DATABASE_URL TWILIO_URL` answers each line with the worker's process id
and, when it has ended, with its exit status. Forked, since starting Python anew for each takes two seconds.
"""

import os
import sys

from core import clock, crypto, db
from core.delivery import work
from core.gateways import registry, twilio_client
from core.settings import Settings
from tests.standins.twilio import AUTH_TOKEN

__all__ = ["twilio_client"]  # imported before the fork, so that each worker need not


def main(database_url: str, twilio_url: str) -> None:
    settings = Settings(
        environment="test",
        database_url=database_url,
        public_url="https://brand.example",
        twilio_account_sid="AC1",
        twilio_auth_token=AUTH_TOKEN,
        twilio_from="+12125550100",
        twilio_api_url=twilio_url,
    )
    for _ in sys.stdin:
        worker = os.fork()
        if worker == 0:
            _send_all(settings)
            os._exit(0)
        print(worker, flush=True)  # noqa: T201 - the test reads it
        _, status = os.waitpid(worker, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201


def _send_all(settings: Settings) -> None:
    db.open_database(settings)
    crypto.load_keys(settings)
    gateways = registry.build(settings)
    while work.send_due(gateways, clock.now()):
        pass


if __name__ == "__main__":
    main(*sys.argv[1:])
