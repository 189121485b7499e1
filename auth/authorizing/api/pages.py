"""The pages of a sign-in."""

from flask_smorest import Blueprint

blueprint = Blueprint("sign_in_pages", __name__, description="The pages of a sign-in")
