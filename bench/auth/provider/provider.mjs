// npm's oidc-provider in one process: rotating refresh tokens of a public client, JWT access tokens by ES256.
// MODULES: path of node_modules. KEEP: "postgres" (PGHOST … say where) or "memory". COUNT: how many refresh tokens to
// make. Prints {"port", "tokens"} in one line, then serves until it is killed.
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

import { adapterInMemory, adapterOver } from './adapter.mjs';

const require = createRequire(`${process.env.MODULES}/`);
const { Provider } = await import(pathToFileURL(require.resolve('oidc-provider')).href);
const RESOURCE = 'urn:bench:api';

async function adapter() {
  if (process.env.KEEP === 'memory') return adapterInMemory();
  const { Pool } = require('pg');
  return adapterOver(new Pool({ max: 8 }));
}

const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
const provider = new Provider('http://127.0.0.1', {
  adapter: await adapter(),
  clients: [{
    client_id: 'app',
    id_token_signed_response_alg: 'ES256',
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    redirect_uris: ['com.example.app:/back'],
    grant_types: ['authorization_code', 'refresh_token'],
  }],
  jwks: { keys: [{ ...key, alg: 'ES256', use: 'sig' }] },
  scopes: ['openid', 'offline_access', 'api'],
  rotateRefreshToken: true,
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  ttl: { AccessToken: 600, Grant: 86_400, RefreshToken: 86_400 },
  features: {
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => RESOURCE,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: 'api', audience: RESOURCE, accessTokenTTL: 600, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
});

async function refreshToken(number) {
  const accountId = `customer-${number}`;
  const client = await provider.Client.find('app');
  const grant = new provider.Grant({ accountId, clientId: 'app' });
  grant.addOIDCScope('offline_access');
  grant.addResourceScope(RESOURCE, 'api');
  const token = new provider.RefreshToken({
    accountId, client, grantId: await grant.save(), gty: 'authorization_code', resource: RESOURCE,
    scope: 'offline_access api', authTime: Math.floor(Date.now() / 1000), iiat: Math.floor(Date.now() / 1000),
  });
  return token.save();
}

const tokens = [];
const count = Number(process.env.COUNT);
for (let made = 0; made < count; made += 100) {
  const part = Array.from({ length: Math.min(100, count - made) }, (_, number) => refreshToken(made + number));
  tokens.push(...await Promise.all(part));
}
const server = createServer(provider.callback());
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ port: server.address().port, tokens })}\n`);
});
