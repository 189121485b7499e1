// oidc-provider's models in PostgreSQL, as its documentation asks of an adapter: each call is one prepared statement.

const TABLE = `
  CREATE TABLE bench.provider_entity (
    model text, id text, payload jsonb NOT NULL, grant_id text, consumed_at timestamptz, expires_at timestamptz,
    PRIMARY KEY (model, id)
  )`;
const INDEX = 'CREATE INDEX ON bench.provider_entity (grant_id) WHERE grant_id IS NOT NULL';

/** Make the table, and give the adapter over a pool of connections. */
export async function adapterOver(pool) {
  await pool.query('CREATE SCHEMA IF NOT EXISTS bench');
  await pool.query(TABLE);
  await pool.query(INDEX);
  const run = (name, text, values) => pool.query({ name, text, values });

  return class Adapter {
    constructor(model) { this.model = model; }

    async upsert(id, payload, expiresIn) {
      await run(
        'upsert',
        `INSERT INTO bench.provider_entity (model, id, payload, grant_id, expires_at)
         VALUES ($1, $2, $3, $4, now() + $5 * interval '1 second')
         ON CONFLICT (model, id) DO UPDATE SET payload = excluded.payload, expires_at = excluded.expires_at`,
        [this.model, id, JSON.stringify(payload), payload.grantId ?? null, expiresIn ?? null],
      );
    }

    async find(id) {
      const { rows: [row] } = await run(
        'find',
        'SELECT payload, consumed_at FROM bench.provider_entity WHERE model = $1 AND id = $2',
        [this.model, id],
      );
      return row && { ...row.payload, ...(row.consumed_at ? { consumed: true } : undefined) };
    }

    async consume(id) {
      await run(
        'consume', 'UPDATE bench.provider_entity SET consumed_at = now() WHERE model = $1 AND id = $2', [this.model, id],
      );
    }

    async destroy(id) {
      await run('destroy', 'DELETE FROM bench.provider_entity WHERE model = $1 AND id = $2', [this.model, id]);
    }

    async revokeByGrantId(grantId) {
      await run('revoke', 'DELETE FROM bench.provider_entity WHERE grant_id = $1', [grantId]);
    }
  };
}

/** The same in this process's memory: gone when it ends. */
export function adapterInMemory() {
  const kept = new Map();

  return class Adapter {
    constructor(model) { this.model = model; }

    async upsert(id, payload) { kept.set(`${this.model} ${id}`, payload); }

    async find(id) { return kept.get(`${this.model} ${id}`); }

    async consume(id) {
      const found = kept.get(`${this.model} ${id}`);
      if (found) kept.set(`${this.model} ${id}`, { ...found, consumed: true });
    }

    async destroy(id) { kept.delete(`${this.model} ${id}`); }

    async revokeByGrantId(grantId) {
      for (const [key, payload] of kept) if (payload.grantId === grantId) kept.delete(key);
    }
  };
}
