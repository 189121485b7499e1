"""What comes after a page: the next one, or the way back to whoever sent the browser."""

from flask import Response

from auth.authorizing import requests
from auth.authorizing.api import browsers, flow
from auth.authorizing.api.pages.routes import at, blueprint
from core import clock
from core.db import transaction


@blueprint.get("/sign-in/next")
@blueprint.response(303, description="On to the next page, or back with a code")
@blueprint.alt_response(410, description="The sign-in is over, or another browser's")
def go_on() -> Response:
    """Go on with a sign-in: to the page that is still missing, or back to the client."""
    now = clock.now()
    with transaction() as session:
        here = at(session, now=now, lock=True)
        if here.asked is not None:
            return flow.go_on(session, here.asked, here.stored, here.handle, now=now)
        if browsers.living(session, here.client, now=now) is None or here.stored.then is None:
            return browsers.see_other(browsers.sign_in_page(here.client, here.handle))
        requests.use(session, here.stored, now=now)
        return browsers.see_other(here.stored.then)
