/** Runs in the browser: shows the API reference, and sends its requests with the caller's credential. */

const { nonce } = document.currentScript
// Where this service is, also behind a proxy that adds a path.
const base = new URL('.', document.baseURI)

// The renderer checks its configuration with zod, which would try to compile code. The policy
// refuses that.
globalThis.__zod_globalConfig = { jitless: true }

// The renderer adds styles of its own, and the policy accepts those with the nonce.
const createElement = document.createElement.bind(document)
document.createElement = (name, options) => {
  const element = createElement(name, options)
  if (element instanceof HTMLStyleElement) element.nonce = nonce
  return element
}

/**
 * Without a pasted key the caller's session is used. It is a cookie, and needs its CSRF token with
 * whatever changes something.
 */
async function sendRequest(input, init) {
  const request = new Request(input, init)
  const { method, headers } = request
  // What the renderer sends for an empty field. It would hide the session.
  if (/^Bearer\s*$/i.test(headers.get('authorization') ?? '')) headers.delete('authorization')
  if (!headers.has('authorization') && method !== 'GET' && method !== 'HEAD') {
    const session = await fetch(new URL('api/session', base))
    const { csrf_token: token } = session.ok ? await session.json() : {}
    if (token) headers.set('x-spoke-csrf', token)
  }
  return await fetch(request)
}

const configuration = {
  url: new URL('openapi.json', base).href,
  servers: [{ url: base.href.replace(/\/$/, ''), description: 'This service' }],
  customFetch: sendRequest,
  authentication: { preferredSecurityScheme: 'bearer' },
  // A pasted key is forgotten with the page.
  persistAuth: false,
  // Everything that leads to another host.
  withDefaultFonts: false,
  telemetry: false,
  showDeveloperTools: 'never',
  hideClientButton: true,
  agent: { disabled: true },
  mcp: { disabled: true },
  externalUrls: { dashboardUrl: '', registryUrl: '', proxyUrl: '', apiBaseUrl: '' },
  documentDownloadType: 'json',
  // Descriptions name operations by their ids, and x-spoke-access says what an operation needs.
  showOperationId: true,
  showExtensions: ['x-spoke-access'],
  modelsSectionLabel: 'Schemas',
  defaultHttpClient: { targetKey: 'shell', clientKey: 'curl' },
}

document.addEventListener('DOMContentLoaded', () => {
  if (globalThis.Scalar) globalThis.Scalar.createApiReference('#app', configuration)
  else document.querySelector('#app').textContent = 'The script of this page did not load. Reload the page.'
})
