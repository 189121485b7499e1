"""Roles: what each kind of work may do, written out by name, so that a new permission is given on purpose.

A route needs a permission, a person has roles. What stands in a token are the roles; the door works the permissions out
anew for each, so that what a role may do changes with a release and not with everyone's next sign-in.
"""

from collections.abc import Iterable, Mapping

#: What whoever is signed in may do about themselves.
SELF = frozenset({"self"})

MARKETER = frozenset(
    {
        "approvals.read",
        "broadcasts.read",
        "broadcasts.send",
        "broadcasts.write",
        "campaigns.read",
        "campaigns.write",
        "codes.export",
        "consents.read",
        "contact_policy.read",
        "customers.read",
        "insights.read",
        "journeys.move",
        "journeys.read",
        "journeys.write",
        "message_prices.write",
        "messages.read",
        "rules.read",
        "rules.write",
        "segments.read",
        "segments.write",
        "templates.read",
        "templates.write",
    }
)

FINANCE = frozenset(
    {
        "adjustments.ask",
        "adjustments.decide",
        "adjustments.read",
        "approvals.read",
        "campaigns.approve",
        "campaigns.read",
        "customers.read",
        "finance.bank",
        "finance.bank_approve",
        "finance.book",
        "finance.import",
        "finance.pay_out",
        "finance.read",
        "finance.reconcile",
        "finance.settle",
        "finance.sign_off",
        "finance.terms",
        "limits.read",
        "limits.write",
        "redemptions.roll_back",
        "topups.read",
        "topups.refund",
        "topups.settle",
        "transfers.approve",
        "transfers.batch",
        "transfers.read",
        "wallets.close",
        "wallets.freeze",
        "wallets.read",
    }
)

SUPPORT = frozenset(
    {
        "adjustments.ask",
        "adjustments.read",
        "approvals.read",
        "campaigns.read",
        "consents.read",
        "consents.write",
        "customers.read",
        "customers.recover",
        "customers.write",
        "erasures.read",
        "identities.write",
        "identity.read",
        "identity.write",
        "journeys.read",
        "limits.read",
        "messages.read",
        "messages.settle",
        "redemptions.roll_back",
        "topups.read",
        "transfers.read",
        "wallets.freeze",
        "wallets.read",
    }
)

MERCHANT_MANAGER = frozenset(
    {
        "approvals.read",
        "finance.terms",
        "merchants.read",
        "merchants.write",
        "sandboxes.read",
        "sandboxes.write",
        "terminals.allow_offline",
        "terminals.enrol",
        "terminals.write",
    }
)

ENGINEER = frozenset(
    {
        "clients.read",
        "clients.write",
        "contact_policy.read",
        "contact_policy.write",
        "keys.read",
        "keys.rotate",
        "security.read",
        "security.write",
        "sources.write",
        "webhook_targets.write",
    }
)

#: Who admits others, and looks at what everybody did.
_ADMINS_OWN = frozenset(
    {
        "audit.export",
        "audit.read",
        "staff.read",
        "staff.write",
    }
)

#: All that anybody may, since what must not be decided alone needs a second person whatever their role.
ADMIN = MARKETER | FINANCE | SUPPORT | MERCHANT_MANAGER | ENGINEER | _ADMINS_OWN

ROLES: Mapping[str, frozenset[str]] = {
    "admin": ADMIN,
    "engineer": ENGINEER,
    "finance": FINANCE,
    "marketer": MARKETER,
    "merchant_manager": MERCHANT_MANAGER,
    "support": SUPPORT,
}


def permissions_of(roles: Iterable[str], extra: Iterable[str] = ()) -> frozenset[str]:
    """What somebody may do who has these roles, and `extra` beside them.

    A role that is not known (a later release's, in a token that an older process is shown) gives nothing.
    """
    given = [ROLES[role] for role in roles if role in ROLES]
    return frozenset(extra).union(*given, SELF if given else ())


def is_known(role: str) -> bool:
    return role in ROLES
