"""What a token tells of its owner."""

from flask_smorest import Blueprint

blueprint = Blueprint("userinfo", __name__, description="What a token tells of its owner")
