"""Whose an operation may be."""

#: It names nothing: each caller sees and changes what is their own.
OWN = "own"
#: Its path names one caller's thing, which is not there for another caller.
OWNED = "owned"
#: A write key lets in.
SOURCE = "source"
