"""A till's own key."""

from flask_smorest import Blueprint

blueprint = Blueprint("own_till", __name__, description="A till's own key")
