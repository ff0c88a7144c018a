/** The API reference for people: a page that shows openapi.json, and the script that renders it. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import type { FastifyInstance } from 'fastify'
import { createScriptReader, scriptVersion } from './reference-script.ts'

const scriptPath = `/docs/scalar-${scriptVersion}.js`
const start = readFileSync(new URL('./reference-start.js', import.meta.url), 'utf8')
/** For a client that does not accept gzip. */
const maxScriptBytes = 8 * 2 ** 20

/** Paths are relative to the page, so that it also works behind a proxy that adds a path. */
const page = (nonce: string) => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta property="csp-nonce" content="${nonce}">
<title>Spoke API</title>
<link rel="icon" href="data:,">
<style nonce="${nonce}">a[href^="https://scalar.com"] { display: none; }</style>
<noscript>This page needs JavaScript. <a href="openapi.json">openapi.json</a> has the same content.</noscript>
<div id="app"></div>
<script nonce="${nonce}">${start}</script>
<script nonce="${nonce}" src="${scriptPath.slice(1)}"></script>
</html>
`

/** The page runs this service's own script, and connects to this service only. */
const referencePolicy = (nonce: string) =>
  [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src 'nonce-${nonce}'`,
    "style-src-attr 'unsafe-inline'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')

export function referenceRoutes(app: FastifyInstance): void {
  const readScript = createScriptReader()
  const schema = { hide: true }

  app.get('/docs', { config: { access: 'public' }, schema }, async (_request, reply) => {
    const nonce = randomBytes(16).toString('base64url')
    return reply
      .type('text/html; charset=utf-8')
      .header('content-security-policy', referencePolicy(nonce))
      .send(page(nonce))
  })

  // The version is in the path, so browsers may keep it.
  const cached = {
    'cache-control': 'public, max-age=31536000, immutable',
    etag: `W/"${scriptVersion}"`,
    vary: 'accept-encoding',
  }
  app.get(scriptPath, { config: { access: 'public' }, schema }, async (request, reply) => {
    reply.headers(cached)
    if (request.headers['if-none-match'] === cached.etag) return reply.code(304).send()
    const accepted = /\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))/i.test(request.headers['accept-encoding'] ?? '')
    if (!accepted) await request.reserve(maxScriptBytes)
    const script = await readScript()
    reply.type('text/javascript; charset=utf-8')
    if (!accepted) return reply.send(await promisify(gunzip)(script, { maxOutputLength: maxScriptBytes }))
    return reply.header('content-encoding', 'gzip').send(script)
  })
}
