"""How staff join and sign in, and what of it is locked after wrong tries; where each deed in the audit log came from,
and the hash chain over that log, by which an edited, removed or slipped-in row is found.
"""

from alembic import op

revision = "0048"
down_revision = "0047"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s'")
    op.execute(PERSONS)
    op.execute(PROOFS)
    op.execute(ORIGINS)
    op.execute(SEALS)


PERSONS = """
ALTER TABLE auth.staff
    ADD roles text[] NOT NULL DEFAULT '{}',
    ADD joined_at timestamptz,
    ADD wrong_proofs smallint NOT NULL DEFAULT 0
        CONSTRAINT ck_staff_wrong_proofs CHECK (wrong_proofs BETWEEN 0 AND 5),
    ADD wrong_since timestamptz,
    ADD locked_until timestamptz,
    DROP CONSTRAINT ck_staff_status,
    ADD CONSTRAINT ck_staff_status CHECK (status IN ('invited', 'active', 'suspended', 'left'));
"""

# Secrets that somebody holds stand here as HMAC; what we have to read again ourselves is sealed under their data key.
PROOFS = """
CREATE TABLE auth.staff_invitation (
    id uuid CONSTRAINT pk_staff_invitation PRIMARY KEY,
    staff_id uuid NOT NULL CONSTRAINT fk_staff_invitation_staff_id REFERENCES auth.staff,
    purpose text NOT NULL CONSTRAINT ck_staff_invitation_purpose CHECK (purpose IN ('join', 'recover')),
    token bytea NOT NULL CONSTRAINT uq_staff_invitation_token UNIQUE,
    made_by text NOT NULL,
    made_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX ix_staff_invitation_staff_id ON auth.staff_invitation (staff_id) WHERE used_at IS NULL;
CREATE INDEX ix_staff_invitation_expires_at ON auth.staff_invitation (expires_at);
-- proved_at: from the first right code on; until then the secret may be shown again.
CREATE TABLE auth.staff_totp (
    staff_id uuid CONSTRAINT pk_staff_totp PRIMARY KEY
        CONSTRAINT fk_staff_totp_staff_id REFERENCES auth.staff,
    secret bytea NOT NULL,
    burnt_step bigint NOT NULL DEFAULT 0,
    proved_at timestamptz
);
CREATE TABLE auth.staff_recovery_code (
    staff_id uuid NOT NULL CONSTRAINT fk_staff_recovery_code_staff_id REFERENCES auth.staff,
    code bytea NOT NULL,
    used_at timestamptz,
    CONSTRAINT pk_staff_recovery_code PRIMARY KEY (staff_id, code)
);
-- staff_id NULL: nobody has the address that was typed, and the page looks the same.
CREATE TABLE auth.staff_sign_in (
    id uuid CONSTRAINT pk_staff_sign_in PRIMARY KEY,
    handle bytea NOT NULL CONSTRAINT uq_staff_sign_in_handle UNIQUE,
    staff_id uuid CONSTRAINT fk_staff_sign_in_staff_id REFERENCES auth.staff,
    code bytea NOT NULL,
    tries smallint NOT NULL DEFAULT 0 CONSTRAINT ck_staff_sign_in_tries CHECK (tries BETWEEN 0 AND 5),
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX ix_staff_sign_in_expires_at ON auth.staff_sign_in (expires_at);
"""

# origin: network and client, sealed under the acting person's data key.
ORIGINS = """
ALTER TABLE core.audit_entry
    ADD epoch int NOT NULL DEFAULT 1,
    ADD xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    ADD session_id uuid,
    ADD request_id text,
    ADD origin bytea;
INSERT INTO core.epoch_kept VALUES ('core.audit_entry');
DO $$ BEGIN
    EXECUTE format('ALTER TABLE core.audit_entry ALTER COLUMN epoch SET DEFAULT %s', coalesce(core.current_epoch(), 1));
    UPDATE core.audit_entry SET epoch = core.current_epoch() WHERE epoch <> core.current_epoch();
END $$;
CREATE INDEX ix_audit_entry_epoch_xid ON core.audit_entry (epoch, xid);
CREATE INDEX ix_audit_entry_target ON core.audit_entry (target, id);
CREATE INDEX ix_audit_entry_actor ON core.audit_entry (actor, id);
CREATE INDEX ix_audit_entry_action ON core.audit_entry (action, id);
CREATE TRIGGER audit_entry_written_once BEFORE UPDATE OR DELETE ON core.audit_entry
    FOR EACH ROW EXECUTE FUNCTION core.refuse_change();
"""

# As wallet.seal (0016), for the same reasons: a block seals what was committed from its beginning up to its end, that
# one not included. Instants are microseconds, so that neither zone nor style of dates changes them.
SEALS = """
CREATE TABLE core.audit_seal (
    number bigint CONSTRAINT pk_audit_seal PRIMARY KEY,
    epoch int NOT NULL,
    from_xid xid8 NOT NULL,
    to_xid xid8 NOT NULL,
    entries int NOT NULL,
    hash bytea NOT NULL,
    sealed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT ck_audit_seal_number CHECK (number > 0),
    CONSTRAINT ck_audit_seal_hash CHECK (length(hash) = 32)
);
CREATE TRIGGER audit_seal_written_once BEFORE UPDATE OR DELETE ON core.audit_seal
    FOR EACH ROW EXECUTE FUNCTION core.refuse_change();

CREATE FUNCTION core.audit_sealed_of(of_epoch int, from_xid xid8, to_xid xid8)
RETURNS SETOF text LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_array(a.id, a.actor, a.action, a.target, a.change, a.session_id, a.request_id,
               encode(a.origin, 'hex'), (extract(epoch FROM a.at) * 1000000)::bigint)::text
      FROM core.audit_entry a
     WHERE a.epoch = of_epoch AND a.xid >= audit_sealed_of.from_xid AND a.xid < audit_sealed_of.to_xid
     ORDER BY a.id
$$;
"""
