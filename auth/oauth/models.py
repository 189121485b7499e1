"""The tables of OAuth. Codes and tokens stand here only as HMAC; a row tells nothing that signs anyone in."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base

_SCHEMA: dict[str, Any] = {"schema": "auth"}


class Client(Base):
    """Who may ask for tokens: the brand's apps, partners, the staff's pages, tills.

    kind              app: first-party, so nobody is asked for consent and it may use authorize-challenge
    audience          whose door its access tokens open
    secret            HMAC; `former_secret` works until `former_until`, so that a secret is changed without a gap
    key_set           JWK set, for private_key_jwt
    redirect_uris     compared letter by letter
    sector            what its pairwise `sub` is made of; its redirect's host when NULL
    sso_group         apps of one group share a sign-in
    dpop              no: binds nothing; offered: who proves a key is bound to it; required: nobody comes in without;
                      always: the access tokens are bound as well
    """

    __tablename__ = "client"
    __table_args__ = (
        CheckConstraint("kind IN ('app', 'partner', 'staff', 'till')", name="kind"),
        CheckConstraint("audience IN ('app', 'admin', 'merchant', 'partner')", name="audience"),
        CheckConstraint(
            "auth_method IN ('none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt')",
            name="auth_method",
        ),
        CheckConstraint("dpop IN ('no', 'offered', 'required', 'always')", name="dpop"),
        CheckConstraint("id_token_alg IN ('ES256', 'RS256')", name="id_token_alg"),
        CheckConstraint("status IN ('active', 'suspended')", name="status"),
        CheckConstraint("(auth_method LIKE 'client_secret%') = (secret IS NOT NULL)", name="secret"),
        CheckConstraint("(auth_method = 'private_key_jwt') = (key_set IS NOT NULL)", name="key_set"),
        _SCHEMA,
    )

    client_id: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text, default="app", server_default="app")
    audience: Mapped[str] = mapped_column(Text, default="app", server_default="app")
    auth_method: Mapped[str] = mapped_column(Text, default="none", server_default="none")
    secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    former_secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    former_until: Mapped[datetime | None]
    key_set: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    redirect_uris: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")
    logout_uris: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")
    back_channel_uri: Mapped[str | None] = mapped_column(Text)
    grant_types: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{authorization_code,refresh_token}")
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{openid}")
    sector: Mapped[str | None] = mapped_column(Text)
    sso_group: Mapped[str | None] = mapped_column(Text)
    needs_par: Mapped[bool] = mapped_column(default=False, server_default="false")
    dpop: Mapped[str] = mapped_column(Text, default="no", server_default="no")
    id_token_alg: Mapped[str] = mapped_column(Text, default="ES256", server_default="ES256")
    status: Mapped[str] = mapped_column(Text, default="active", server_default="active")
    made_by: Mapped[str | None] = mapped_column(Text)
    made_at: Mapped[datetime | None]


class AuthorizationCode(Base):
    """A code that was proved for, redeemed once for a family of tokens.

    session_id       the web session it was asked in; NULL: its redemption begins one
    auth_time, acr, amr   when and how its owner signed in
    jkt              thumbprint (RFC 7638) of the DPoP key that has to redeem it
    """

    __tablename__ = "authorization_code"
    __table_args__ = (
        Index(None, "expires_at"),
        Index(None, "family_id"),
        Index(None, "session_id"),
        CheckConstraint("(customer_id IS NULL) <> (staff_id IS NULL)", name="owner"),
        _SCHEMA,
    )

    code: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    client_id: Mapped[str] = mapped_column(ForeignKey("auth.client.client_id"))
    customer_id: Mapped[UUID | None] = mapped_column(ForeignKey("auth.customer.id"))
    staff_id: Mapped[UUID | None] = mapped_column(ForeignKey("auth.staff.id"))
    session_id: Mapped[UUID | None] = mapped_column(ForeignKey("auth.session.id"))
    code_challenge: Mapped[str | None] = mapped_column(Text)
    scope: Mapped[str] = mapped_column(Text, default="", server_default="")
    redirect_uri: Mapped[str | None] = mapped_column(Text)
    nonce: Mapped[str | None] = mapped_column(Text)
    jkt: Mapped[bytes | None] = mapped_column(LargeBinary)
    auth_time: Mapped[datetime]
    acr: Mapped[str] = mapped_column(Text, default="", server_default="")
    amr: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")
    device_id: Mapped[str | None] = mapped_column(Text)
    expires_at: Mapped[datetime]
    redeemed_at: Mapped[datetime | None]
    family_id: Mapped[UUID | None] = mapped_column(ForeignKey("auth.token_family.id"))


class TokenFamily(Base):
    """Every refresh token that came of one sign-in of one client; revoked as one.

    token, former   HMACs of the newest refresh token's secret and of the one's before; older ones tell themselves
    generation      of the newest token; the first is 0
    jkt             thumbprint (RFC 7638) of the DPoP key that each refresh has to prove
    idle_seconds    how long it may lie unused, and `ends_at` when it is over however busy
    """

    __tablename__ = "token_family"
    __table_args__ = (
        Index(None, "customer_id"),
        Index(None, "session_id"),
        Index(None, "ends_at"),
        CheckConstraint("(revoked_at IS NULL) = (revoked_because IS NULL)", name="revoked"),
        CheckConstraint("(customer_id IS NULL) <> (staff_id IS NULL)", name="owner"),
        _SCHEMA,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    client_id: Mapped[str] = mapped_column(ForeignKey("auth.client.client_id"))
    customer_id: Mapped[UUID | None] = mapped_column(ForeignKey("auth.customer.id"))
    staff_id: Mapped[UUID | None] = mapped_column(ForeignKey("auth.staff.id"))
    session_id: Mapped[UUID] = mapped_column(ForeignKey("auth.session.id"))
    scope: Mapped[str] = mapped_column(Text, default="", server_default="")
    jkt: Mapped[bytes | None] = mapped_column(LargeBinary)
    auth_time: Mapped[datetime]
    acr: Mapped[str] = mapped_column(Text, default="", server_default="")
    amr: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")
    generation: Mapped[int] = mapped_column(default=0, server_default="0")
    token: Mapped[bytes] = mapped_column(LargeBinary)
    former: Mapped[bytes | None] = mapped_column(LargeBinary)
    idle_seconds: Mapped[int]
    rotated_at: Mapped[datetime]
    created_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    revoked_because: Mapped[str | None] = mapped_column(Text)
