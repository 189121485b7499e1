"""The pages on which staff join and sign in."""

from flask_smorest import Blueprint

blueprint = Blueprint("staff_pages", __name__, description="The pages on which staff join and sign in")
