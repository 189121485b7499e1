"""The application as servers and commands find it: `app`. Settings come from the environment."""

from app.opened import opened_app

app = opened_app()
