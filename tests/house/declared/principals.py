"""Whose an operation may be. What each kind of caller then gets is the table in tests/house/matrix/expected.py."""

#: It names nothing: each caller sees and changes what is their own.
OWN = "own"
#: Its path names one caller's thing, which is not there for another caller.
OWNED = "owned"
#: A write key lets in.
SOURCE = "source"
#: Anybody, by a code, a token or a signature of the request's own: who else is asking makes no difference.
PUBLIC = "public"
#: OAuth's own rules: the client and the tokens that the request itself brings.
PROTOCOL = "protocol"
#: A sandbox's tills alone; any other till asks in vain.
SANDBOXED = "sandboxed"
