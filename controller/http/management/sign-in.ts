import type Koa from 'koa';
import { readForm } from '../middleware/body.js';
import { managementErrors } from '../middleware/errors.js';
import { originOf } from '../origin.js';
import type { HttpPorts } from '../ports.js';

/** The authority that clients of OAuth 2.0 are pointed at; MSAL takes a path of this name without asking the internet. */
const AUTHORITY = '/adfs';
/** az looks up its `--tenant` below the authority, too. */
const DISCOVERY = /^\/adfs(\/adfs)?\/\.well-known\/openid-configuration$/;
const TOKEN_PATH = `${AUTHORITY}/oauth2/token`;
/** Where `az cloud register --endpoint-resource-manager URL` finds everything else. */
const METADATA_PATH = '/metadata/endpoints';
/** Clients ask again after this; the token itself lives as long as the controller's setting. */
const EXPIRES_IN_SECONDS = 3_600;

/**
 * `az login --service-principal --tenant adfs`: the flow of client credentials, in which the secret is the
 * controller's admin token and the access token is the same once more. Everything else of OAuth is refused.
 */
export function signIn(ports: HttpPorts): Koa.Middleware {
  const answerErrors = managementErrors(ports);
  return async (context, next) => {
    if (context.path === METADATA_PATH) {
      context.body = metadata(originOf(context));
      return;
    }
    if (!context.path.startsWith(`${AUTHORITY}/`)) return next();
    await answerErrors(context, () => answer(ports, context));
  };
}

const metadata = (origin: string) => ({
  authentication: { loginEndpoint: `${origin}${AUTHORITY}`, audiences: [origin] },
  graphEndpoint: origin,
  galleryEndpoint: origin,
  portalEndpoint: origin,
});

async function answer(ports: HttpPorts, context: Koa.Context): Promise<void> {
  context.set('Cache-Control', 'no-store');
  const authority = `${originOf(context)}${AUTHORITY}`;
  if (DISCOVERY.test(context.path)) {
    context.body = {
      issuer: authority,
      authorization_endpoint: `${authority}/oauth2/authorize`,
      token_endpoint: `${originOf(context)}${TOKEN_PATH}`,
      grant_types_supported: ['client_credentials'],
      token_endpoint_auth_methods_supported: ['client_secret_post'],
    };
    return;
  }
  if (context.path !== TOKEN_PATH || context.method !== 'POST') {
    refuse(context, 404, 'invalid_request', `Allowed is POST ${TOKEN_PATH}.`);
    return;
  }
  const form = await readForm(context);
  if (form.get('grant_type') !== 'client_credentials') {
    const reason = 'Allowed is grant_type=client_credentials.';
    refuse(context, 400, 'unsupported_grant_type', reason);
    return;
  }
  const secret = form.get('client_secret') ?? '';
  if (!ports.isAdminToken(secret)) {
    refuse(context, 401, 'invalid_client', "client_secret must be the controller's admin token.");
    return;
  }
  context.body = {
    token_type: 'Bearer',
    access_token: secret,
    expires_in: EXPIRES_IN_SECONDS,
  };
}

function refuse(context: Koa.Context, status: number, error: string, description: string): void {
  context.status = status;
  context.body = { error, error_description: description };
}
