"""The button for a passkey, and the script behind it: the only one on our pages."""

from typing import Any

from markupsafe import Markup
from sqlalchemy.orm import Session

from auth.authorizing import requests
from auth.authorizing.api.pages.routes import At
from auth.passkeys import asserting, ceremonies
from core import clock


def begin(session: Session, here: At) -> dict[str, Any]:
    """What the browser's dialogue is asked for. The challenge of an earlier page works no more."""
    ceremony = ceremonies.begin(session, purpose=ceremonies.WEB, now=clock.now())
    requests.note(session, here.stored, ceremony=str(ceremony.id))
    return asserting.options(ceremony.challenge, passkeys=None)


def form(named: Markup, options: str, *, action: str) -> Markup:
    """A button that only a browser shows which has scripts and knows passkeys. options: as JSON"""
    return Markup(
        '<form method="post" id="passkey" action="{}" data-options="{}" hidden>\n{}\n'
        '<input type="hidden" name="credential">\n'
        '<p class="problem" role="alert" hidden></p>\n<p><button class="quiet">Use a passkey</button></p>\n</form>'
    ).format(action, options, named)


SCRIPT = """
(() => {
  const form = document.getElementById("passkey");
  const problem = form.querySelector(".problem");
  if (!window.PublicKeyCredential || !PublicKeyCredential.parseRequestOptionsFromJSON) return;
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    problem.hidden = true;
    try {
      const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(JSON.parse(form.dataset.options));
      const found = await navigator.credentials.get({ publicKey });
      form.elements.credential.value = JSON.stringify(found.toJSON());
      form.submit();
    } catch {
      problem.textContent = "No passkey was used. Try again, or use your phone number.";
      problem.hidden = false;
    }
  });
})();
"""
