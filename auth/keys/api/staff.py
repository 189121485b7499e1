"""The keys that tokens are signed with."""

from flask_smorest import Blueprint

blueprint = Blueprint("signing_keys", __name__, description="The keys that tokens are signed with")
