"""What a token is worth."""

from flask_smorest import Blueprint

blueprint = Blueprint("introspection", __name__, description="What a token is worth")
