// openid-client as a relying party uses it: only its documented functions, no option that lets it look away.
import * as client from 'openid-client';
import { browse, job, tell } from './conversation.mjs';

const issuer = new URL(job.issuer);

async function ask(config, more = {}, pushed = false) {
  const verifier = client.randomPKCECodeVerifier();
  const checks = { pkceCodeVerifier: verifier, expectedState: client.randomState(), expectedNonce: client.randomNonce() };
  const parameters = {
    redirect_uri: job.redirectUri,
    scope: job.scope,
    state: checks.expectedState,
    nonce: checks.expectedNonce,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...more,
  };
  const url = pushed
    ? await client.buildAuthorizationUrlWithPAR(config, parameters)
    : client.buildAuthorizationUrl(config, parameters);
  return { landed: await browse(url), checks };
}

await tell({
  async whole() {
    const config = await client.discovery(issuer, job.clientId, {}, client.ClientSecretBasic(job.secret));
    const { landed, checks } = await ask(config, { max_age: '300' }, true);
    const tokens = await client.authorizationCodeGrant(config, landed, { ...checks, maxAge: 300, idTokenExpected: true });
    const claims = tokens.claims();
    const person = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
    const newer = await client.refreshTokenGrant(config, tokens.refresh_token);
    const before = await client.tokenIntrospection(config, newer.access_token);
    await client.tokenRevocation(config, newer.access_token);
    const after = await client.tokenIntrospection(config, newer.access_token);
    const leaving = client.buildEndSessionUrl(config, {
      id_token_hint: tokens.id_token, post_logout_redirect_uri: job.logoutUri, state: 'bye',
    });
    const left = await browse(leaving);
    const refused = await client.refreshTokenGrant(config, newer.refresh_token).catch((error) => error.error);
    return { claims, person, before, after, left: String(left), refused };
  },

  async public() {
    const config = await client.discovery(issuer, job.clientId, {}, client.None());
    const { landed, checks } = await ask(config);
    const tokens = await client.authorizationCodeGrant(config, landed, checks);
    const newer = await client.refreshTokenGrant(config, tokens.refresh_token);
    return { scope: tokens.scope, claims: tokens.claims(), isNewer: newer.refresh_token !== tokens.refresh_token };
  },

  async dpop() {
    const config = await client.discovery(issuer, job.clientId, {}, client.None());
    const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'));
    const { landed, checks } = await ask(config);
    const tokens = await client.authorizationCodeGrant(config, landed, checks, undefined, { DPoP });
    const person = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub, { DPoP });
    const newer = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP });
    const other = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'));
    const refused = await client
      .refreshTokenGrant(config, newer.refresh_token, undefined, { DPoP: other })
      .catch((error) => error.error);
    return { type: tokens.token_type, sub: person.sub, refused };
  },

  async device() {
    const config = await client.discovery(issuer, job.clientId, {}, client.None());
    const shown = await client.initiateDeviceAuthorization(config, { scope: job.scope });
    await browse(shown.verification_uri_complete);
    // Said yes before the first poll: the test need not sit its interval out.
    const tokens = await client.pollDeviceAuthorizationGrant(config, { ...shown, interval: 0 });
    return { userCode: shown.user_code, type: tokens.token_type, refreshes: Boolean(tokens.refresh_token) };
  },

  async till() {
    const key = await crypto.subtle.importKey('jwk', job.key, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']);
    const config = await client.discovery(issuer, job.clientId, {}, client.PrivateKeyJwt(key));
    return client.clientCredentialsGrant(config);
  },

  async signed() {
    const key = await crypto.subtle.importKey('jwk', job.key, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']);
    const config = await client.discovery(issuer, job.clientId, {}, client.PrivateKeyJwt(key));
    const { landed, checks } = await ask(config, {}, true);
    const tokens = await client.authorizationCodeGrant(config, landed, checks);
    return { claims: tokens.claims() };
  },

  async refused() {
    const config = await client.discovery(issuer, job.clientId, {}, client.None());
    const { landed, checks } = await ask(config, { prompt: 'none' });
    return client.authorizationCodeGrant(config, landed, checks).then(() => 'granted', (error) => error.error);
  },
});
