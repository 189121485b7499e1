"""What stands open to everybody: pages behind links, providers' call-backs."""

from tests.house.declared.principals import PUBLIC

ANYBODYS = {
    "GET /.well-known/apple-app-site-association": PUBLIC,
    "GET /.well-known/assetlinks.json": PUBLIC,
    "POST /hooks/twilio/{message_id}": PUBLIC,
    "POST /hooks/twilio/incoming": PUBLIC,
    "POST /hooks/identity": PUBLIC,
    "POST /hooks/stripe": PUBLIC,
    "GET /c/{code}": PUBLIC,
    "GET /c/s": PUBLIC,
    "GET /c/s/{code}": PUBLIC,
    "GET /c/r/{code}": PUBLIC,
    "GET /c/g": PUBLIC,
    "GET /c/g/{code}": PUBLIC,
    "GET /l/{code}": PUBLIC,
    "GET /v/{code}.png": PUBLIC,
    "GET /o/{code}.gif": PUBLIC,
    "GET /e/{slug}": PUBLIC,
    "GET /p/{token}": PUBLIC,
    "POST /p/{token}": PUBLIC,
    "GET /u/{token}": PUBLIC,
    "POST /u/{token}": PUBLIC,
}
