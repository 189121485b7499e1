// oauth4webapi, step by step: each answer of ours is looked at by its own strict reader.
import * as oauth from 'oauth4webapi';
import { browse, job, tell } from './conversation.mjs';

const issuer = new URL(job.issuer);
const client = { client_id: job.clientId };

async function discovered() {
  return oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: 'oidc' }));
}

await tell({
  async whole() {
    const as = await discovered();
    const plain = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: 'oauth2' }));
    const auth = oauth.ClientSecretBasic(job.secret);
    const verifier = oauth.generateRandomCodeVerifier();
    const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
    const parameters = new URLSearchParams({
      client_id: job.clientId, redirect_uri: job.redirectUri, response_type: 'code', scope: job.scope, state, nonce,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
    });
    const pushed = await oauth.processPushedAuthorizationResponse(
      as, client, await oauth.pushedAuthorizationRequest(as, client, auth, parameters),
    );
    const url = new URL(as.authorization_endpoint);
    url.search = new URLSearchParams({ client_id: job.clientId, request_uri: pushed.request_uri });
    const landed = await browse(url);

    const answer = oauth.validateAuthResponse(as, client, landed, state);
    const response = await oauth.authorizationCodeGrantRequest(as, client, auth, answer, job.redirectUri, verifier);
    const tokens = await oauth.processAuthorizationCodeResponse(as, client, response, {
      expectedNonce: nonce, requireIdToken: true,
    });
    await oauth.validateApplicationLevelSignature(as, response);
    const claims = oauth.getValidatedIdTokenClaims(tokens);
    const person = await oauth.processUserInfoResponse(
      as, client, claims.sub, await oauth.userInfoRequest(as, client, tokens.access_token),
    );
    const newer = await oauth.processRefreshTokenResponse(
      as, client, await oauth.refreshTokenGrantRequest(as, client, auth, tokens.refresh_token),
    );
    const seen = await oauth.processIntrospectionResponse(
      as, client, await oauth.introspectionRequest(as, client, auth, newer.access_token),
    );
    await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, auth, newer.refresh_token));
    const gone = await oauth.processIntrospectionResponse(
      as, client, await oauth.introspectionRequest(as, client, auth, newer.refresh_token),
    );
    return { isSame: plain.token_endpoint === as.token_endpoint, claims, person, seen, gone };
  },

  async denied() {
    const as = await discovered();
    const state = oauth.generateRandomState();
    const url = new URL(as.authorization_endpoint);
    url.search = new URLSearchParams({
      client_id: job.clientId, redirect_uri: job.redirectUri, response_type: 'code', scope: 'openid', state, prompt: 'none',
      code_challenge: await oauth.calculatePKCECodeChallenge(oauth.generateRandomCodeVerifier()), code_challenge_method: 'S256',
    });
    const landed = await browse(url);
    const mixedUp = new URL(landed);
    mixedUp.searchParams.set('iss', 'https://evil.example');
    const errorOf = (address) => {
      try {
        return oauth.validateAuthResponse(as, client, address, state);
      } catch (error) {
        return error.error ?? error.message;
      }
    };
    return { told: errorOf(landed), mixedUp: errorOf(mixedUp) };
  },

  async dpop() {
    const as = await discovered();
    const key = await oauth.generateKeyPair('ES256');
    const DPoP = oauth.DPoP(client, key);
    const verifier = oauth.generateRandomCodeVerifier();
    const state = oauth.generateRandomState();
    const url = new URL(as.authorization_endpoint);
    url.search = new URLSearchParams({
      client_id: job.clientId, redirect_uri: job.redirectUri, response_type: 'code', scope: job.scope, state,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
      dpop_jkt: await DPoP.calculateThumbprint(),
    });
    const answer = oauth.validateAuthResponse(as, client, await browse(url), state);
    const tokens = await oauth.processAuthorizationCodeResponse(
      as, client,
      await oauth.authorizationCodeGrantRequest(as, client, oauth.None(), answer, job.redirectUri, verifier, { DPoP }),
    );
    const sub = oauth.getValidatedIdTokenClaims(tokens).sub;
    const person = await oauth.processUserInfoResponse(
      as, client, sub, await oauth.userInfoRequest(as, client, tokens.access_token, { DPoP }),
    );
    const bare = await oauth.userInfoRequest(as, client, tokens.access_token);
    return { type: tokens.token_type, isSame: person.sub === sub, bare: bare.status };
  },
});
