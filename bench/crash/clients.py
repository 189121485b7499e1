"""Clients: each pays and sends without pause, and repeats what was not answered, under the same key, until it is."""

import http.client
import json
import random
import threading
import time
from dataclasses import dataclass, field
from uuid import uuid4

#: Between two tries; a server that is being started refuses at once.
_PAUSE_SECONDS = 0.05
#: Tries after which somebody who is about to go home gives up: far more than a start takes.
_LAST_TRIES = 2_000


@dataclass(frozen=True)
class Deed:
    """What one request asked: `path` is "payments" or "sendings"."""

    customer_id: str
    path: str
    amount: int
    key: str = field(default_factory=lambda: str(uuid4()))


@dataclass
class Client:
    """Runs until `ended` is set, and then until its last request is answered.

    answers   what was acknowledged: the deed and the id of what it made
    repeated  requests that were sent again because no answer came
    faults    answers that there should not be
    """

    customer_id: str
    token: str
    merchant_id: str
    port: int
    seed: str
    ended: threading.Event
    answers: list[tuple[Deed, str]] = field(default_factory=list)
    repeated: int = 0
    faults: list[str] = field(default_factory=list)

    def run(self) -> None:
        chance = random.Random(self.seed)
        while not self.ended.is_set() and not self.faults:
            if self.answers and chance.random() < 0.1:
                deed, made = chance.choice(self.answers)
                again = self._until_answered(deed)
                if again != made:
                    self.faults.append(f"key {deed.key} made {made}, and asked again {again}")
                continue
            path = "sendings" if chance.random() < 0.2 else "payments"
            deed = Deed(self.customer_id, path, chance.randint(1, 50))
            answer = self._until_answered(deed)
            if answer:
                self.answers.append((deed, answer))

    def _until_answered(self, deed: Deed) -> str | None:
        left = _LAST_TRIES
        while left:
            left -= self.ended.is_set()
            try:
                status, body = self._ask(deed)
            except (OSError, http.client.HTTPException, ValueError):
                status, body = 0, {}
            if status == 201:
                return str(body["id"])
            if status and not body.get("retryable"):
                self.faults.append(f"{deed.path} {deed.key} was answered {status} {body}")
                return None
            self.repeated += 1
            time.sleep(_PAUSE_SECONDS)
        self.faults.append(f"{deed.path} {deed.key} was never answered")
        return None

    def _ask(self, deed: Deed) -> tuple[int, dict[str, object]]:
        """raises  OSError, HTTPException, ValueError where no whole answer comes"""
        money = {"amount_minor": deed.amount, "currency": "USD"}
        more = {"merchant_id": self.merchant_id} if deed.path == "payments" else {"to": {"link": True}}
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
            "Idempotency-Key": deed.key,
        }
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("POST", f"/app/v1/{deed.path}", json.dumps({"amount": money, **more}), headers)
            answer = connection.getresponse()
            body = json.loads(answer.read())
            return answer.status, body if isinstance(body, dict) else {}
        finally:
            connection.close()
