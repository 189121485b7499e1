"""The apps and partners that may sign customers in."""

from flask_smorest import Blueprint

blueprint = Blueprint("clients", __name__, description="The apps and partners that may sign customers in")
