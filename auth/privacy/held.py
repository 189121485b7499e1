"""What sign-in holds on a customer."""

from core.holdings import Held, Holder, Sealed

_SWEPT = "ended with the erasure, and swept with all that are over"

HOLDER = Holder(
    room="auth",
    held=(
        Held(table="auth.personal_export", order="asked_at", is_told=False, erased="dropped", why="this very file"),
        Held(table="auth.device", opens={"push_token": Sealed("auth.device.push_token")}, erased="dropped"),
        Held(table="auth.customer_code", order="reference", hides=("reference",), erased="dropped"),
        Held(
            table="auth.email_proof",
            opens={"email": Sealed("auth.email_proof.email", row="customer_id")},
            order="expires_at",
            erased="dropped",
        ),
        Held(table="auth.sign_in", hides=("code_challenge",), erased="dropped"),
        Held(
            table="auth.number_change",
            opens={"phone": Sealed("auth.number_change.phone")},
            erased="dropped",
        ),
        Held(table="auth.step_up", hides=("payee",), erased="dropped"),
        Held(table="auth.passkey_ceremony", is_told=False, erased="dropped", why="random text of five minutes"),
        Held(table="auth.passkey", opens={"name": Sealed("auth.passkey.name")}, erased="dropped"),
        Held(
            table="auth.identity", opens={"email": Sealed("auth.identity.email")}, order="linked_at", erased="dropped"
        ),
        Held(
            table="auth.authorization_code", order="expires_at", is_told=False, erased="dropped",
            why="the minute between two requests",
        ),
        Held(
            table="auth.session",
            opens={"agent": Sealed("auth.session.agent"), "place": Sealed("auth.session.place")},
            erased="cleared",
            clears=("agent", "place"),
        ),
        Held(table="auth.token_family", why=_SWEPT),
        Held(table="auth.client_grant", order="granted_at", erased="dropped"),
        Held(
            table="auth.approval",
            hides=("asked_by", "decided_by", "outcome"),
            why="what staff decided, under a pseudonymous id; their reasons open for nobody once the key is destroyed",
        ),
        Held(
            table="auth.customer",
            where="id = %(customer)s",
            opens={
                "phone": Sealed("auth.customer.phone", owner="id"),
                "email": Sealed("auth.customer.email", owner="id"),
                "birthday": Sealed("auth.customer.birthday", owner="id"),
            },
            erased="cleared",
            clears=(
                "phone", "phone_index", "email", "email_index", "email_verified_at", "birthday", "birthday_index",
                "birthday_set_at", "locale", "time_zone",
            ),
        ),
    ),
    exempt={
        "auth.logout_notice": "a partner's own word for a customer, until they are told of a logout",
        "auth.erasure": "the erasing itself: an id and figures",
        "auth.limit_counter": "HMACs of who asked, for a while",
        "auth.revocation": "names a customer for as long as an access token lives",
    },
)  # fmt: skip
