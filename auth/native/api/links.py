"""Which apps the brand's links and passkeys belong to."""

from flask_smorest import Blueprint

blueprint = Blueprint("app_links", __name__, description="Which apps the brand's links and passkeys belong to")
