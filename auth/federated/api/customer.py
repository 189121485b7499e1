"""Ways to sign in: Apple and Google."""

from flask_smorest import Blueprint

blueprint = Blueprint("identities", __name__, description="Ways to sign in: Apple and Google")
