"""What is due between people."""

from core.work import Work
from wallet.peers import claims, requests

WORK = [Work("wallet.peers.sendings", claims.give_due), Work("wallet.peers.requests", requests.lapse_due)]
