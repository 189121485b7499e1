"""Writing: what was decided about a batch of letters, in three statements: messages, inbox items, links."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core.delivery import messages
from core.delivery.messages import NewMessage
from engage import inbox
from engage.consents.saying import MARKETING
from engage.contacting import caps
from engage.links import kept
from engage.outgoing.letters import Decided, Sent
from engage.outgoing.world import World


def write(session: Session, decided: Sequence[Decided], *, world: World, now: datetime) -> list[list[UUID]]:
    """Let every letter that goes out wait to be sent, with an item in the app's inbox and its links.

    world    that they were decided in, whose caps they took from
    returns  for each letter, in the order given, the ids of its messages
    raises   rewards.funds.Beaten when another transaction took the last of a cap meanwhile: undo, and prepare anew
    """
    sent = [one for one in decided if isinstance(one, Sent)]
    new = [message for one in sent for message in _messages(one)]
    ids = iter(messages.enqueue_all(session, new, now=now))
    of_letter = {id(one): [next(ids) for _ in one.addresses] for one in sent}
    inbox.put_all(session, [one.item for one in sent], now=now)
    linked = [(link, next(iter(of_letter[id(one)]), None)) for one in sent for link in one.links]
    kept.put_all(session, linked, now=now)
    caps.write(session, world.caps)
    return [of_letter.get(id(one), []) for one in decided]


def _messages(sent: Sent) -> list[NewMessage]:
    letter = sent.letter
    mode = letter.quiet if letter.purpose == MARKETING else "pass"
    return [
        NewMessage(
            customer_id=letter.customer_id,
            channel=sent.channel,
            recipient=recipient,
            content=sent.content,
            purpose=letter.purpose,
            due_at=sent.due_at,
            expires_at=sent.expires_at,
            address_id=address_id,
            reference=letter.reference,
            # The caps counted the letter once, so its first message alone gives the count back.
            gate=_asked(mode, sent.marks if at == 0 else ()),
            caused_by=letter.caused_by,
            depth=letter.depth,
            trace=letter.trace,
        )
        for at, (recipient, address_id) in enumerate(sent.addresses)
    ]


def _asked(mode: str, marks: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """What a message carries for the gate (`engage.contacting.gate`)."""
    noted: dict[str, Any] = {} if mode == "pass" else {"quiet": mode}
    return noted | ({"caps": [list(mark) for mark in marks]} if marks else {})
