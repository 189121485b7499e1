"""As much of curl as the pages use, for machines that have none: -s -i -o -X -H -d -u --data-urlencode."""

import argparse
import base64
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path


class _AsTheyCome(urllib.request.HTTPErrorProcessor):
    """curl prints an error's body like any other."""

    def http_response(self, request, response):
        return response

    https_response = http_response


def main() -> None:
    given = _parse()
    request = urllib.request.Request(given.url, method=given.method, data=_body(given))
    for header in given.headers:
        name, _, value = header.partition(":")
        request.add_header(name.strip(), value.strip())
    if given.user is not None:
        request.add_header("Authorization", "Basic " + base64.b64encode(given.user.encode()).decode())
    opener = urllib.request.build_opener(_AsTheyCome)
    with opener.open(request, timeout=30) as answer:
        body = answer.read()
        if given.shows_headers:
            head = [
                f"HTTP/1.1 {answer.status} {answer.reason}",
                *(f"{name}: {value}" for name, value in answer.getheaders()),
            ]
            sys.stdout.write("\r\n".join([*head, "", ""]))
            sys.stdout.flush()
    if given.output:
        Path(given.output).write_bytes(body)
    else:
        sys.stdout.buffer.write(body)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("-s", action="store_true")
    parser.add_argument("-i", dest="shows_headers", action="store_true")
    parser.add_argument("-o", dest="output")
    parser.add_argument("-X", dest="method")
    parser.add_argument("-H", dest="headers", action="append", default=[])
    parser.add_argument("-d", dest="data", action="append", default=[])
    parser.add_argument("--data-urlencode", dest="fields", action="append", default=[])
    parser.add_argument("-u", dest="user")
    return parser.parse_args()


def _body(given: argparse.Namespace) -> bytes | None:
    parts = list(given.data)
    for field in given.fields:
        name, _, value = field.partition("=")
        parts.append(f"{name}={urllib.parse.quote_plus(value)}")
    return "&".join(parts).encode() if parts else None


main()
