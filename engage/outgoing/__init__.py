"""Outgoing: whether and how each message that is meant goes out.

world = outgoing.prepare(session, customer_ids, now=now, wordings=wordings)    before vouchers are issued
decided = [outgoing.decide(world, letter) for letter in letters]               no database, no clock, no chance
message_ids = outgoing.write(session, decided, world=world, now=now)
"""

from engage.outgoing.deciding import decide, foresee
from engage.outgoing.letters import Decided, Letter, Reason, Sent, Skipped
from engage.outgoing.world import World, prepare
from engage.outgoing.writing import write

__all__ = ["Decided", "Letter", "Reason", "Sent", "Skipped", "World", "decide", "foresee", "prepare", "write"]
