"""Every QR that a door draws is read by a reader that shares nothing with what drew it (zxing)."""

import re

from tests.stories.conftest import PROJECT

#: By the module that draws: each route, and the test in which its picture is read.
READ = {
    "auth/api/customer.py": {"/code.png": "tests/auth/test_customer_codes.py"},
    "engage/journeys/doors/api/staff.py": {"/poster.png": "tests/engage/journeys/test_doors.py"},
    "engage/links/api/public.py": {".png": "tests/engage/links/test_following.py"},
    "rewards/api/customer.py": {"/qr.png": "tests/rewards/test_api.py"},
    "rewards/vouchers/api/staff.py": {"/poster.png": "tests/rewards/vouchers/test_voucher_batches_api.py"},
    "wallet/paying/api/merchant.py": {
        "/store-code.png": "tests/wallet/paying/test_api.py",
        "/code.png": "tests/wallet/paying/test_api.py",
    },
}
ROOMS = ("app", "auth", "connect", "engage", "insights", "rewards", "wallet")


def test_every_qr_is_read_by_another_reader() -> None:
    drawn: dict[str, int] = {}
    for room in ROOMS:
        for path in (PROJECT / room).rglob("*.py"):
            count = len(re.findall(r"\bqr_png\(", path.read_text()))
            if count:
                drawn[str(path.relative_to(PROJECT))] = count

    assert drawn == {module: len(routes) for module, routes in READ.items()}
    for routes in READ.values():
        for route, test in routes.items():
            text = (PROJECT / test).read_text()
            assert "zxingcpp.read_barcodes" in text
            assert route in text
