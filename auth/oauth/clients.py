"""Clients: the apps that may sign customers in."""

import re

from sqlalchemy.orm import Session

from auth.oauth.models import Client

_SHAPE = re.compile(r"[A-Za-z0-9._-]{1,100}\Z")


def is_known(session: Session, client_id: str) -> bool:
    return bool(_SHAPE.match(client_id)) and session.get(Client, client_id) is not None
