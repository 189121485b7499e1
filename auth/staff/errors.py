"""How staff's rooms say no."""

from core.errors import Kind, Refusal


class RoleUnknown(Refusal):
    code = "role_unknown"
    kind = Kind.INVALID
    title = "There is no such role: GET /admin/v1/roles lists them"


class OwnRoles(Refusal):
    code = "own_roles"
    kind = Kind.FORBIDDEN
    title = "Nobody changes their own roles or status: ask a second person"


class RolesBeyondYours(Refusal):
    code = "roles_beyond_yours"
    kind = Kind.FORBIDDEN
    title = "Nobody gives a role that may do more than they may themselves, or changes who has one"


class LastAdmin(Refusal):
    code = "last_admin"
    kind = Kind.CONFLICT
    title = "This is the last person who may admit others: give somebody else the role admin first"


class StatusNotNext(Refusal):
    code = "staff_status_not_next"
    kind = Kind.CONFLICT
    title = "A person who has left is invited anew, and one who was invited joins by the link"


class AlreadyJoined(Refusal):
    code = "staff_joined"
    kind = Kind.CONFLICT
    title = "This person has joined already"


class LastMeans(Refusal):
    code = "last_means"
    kind = Kind.CONFLICT
    title = "This is the only way in which you can sign in: make another passkey or an authenticator first"


class InvitationOver(Refusal):
    """Also for a link that never was one."""

    code = "invitation_over"
    kind = Kind.NOT_FOUND
    title = "This invitation works no more: ask for another one"
