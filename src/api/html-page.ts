/** Renders a small HTML page that runs no script, loads nothing, and uses only the style below. */
import { createHash } from 'node:crypto'
import type { FastifyReply } from 'fastify'

const style = `
  :root { color-scheme: light dark; }
  body { font: 1rem/1.5 system-ui, sans-serif; display: grid; place-items: center; min-height: 90vh; margin: 0; }
  main { max-width: 26rem; padding: 2rem; text-align: center; }
  .mark { font-size: 2.5rem; }
  h1 { font-size: 1.3rem; margin: .5rem 0; }
  dl { text-align: left; margin: 1.5rem 0; }
  dt { font-size: .85rem; opacity: .75; }
  dd { margin: 0 0 .8rem; overflow-wrap: anywhere; }
  .name { font-size: 1.15rem; font-weight: 600; }
  form { display: flex; flex-wrap: wrap; gap: .75rem; margin-top: 1.5rem; }
  button { flex: 1 1 8rem; min-height: 2.9rem; font: inherit; border-radius: .5rem; border: 1px solid #767676;
    background: none; color: inherit; cursor: pointer; }
  button.yes { background: #1a5fb4; border-color: #1a5fb4; color: #fff; font-weight: 600; }
`
const styleHash = createHash('sha256').update(style).digest('base64')

/**
 * @param text Spoke's own; it is not escaped
 * @param more HTML below it; foreign text in it must have gone through `escapeHtml`
 */
export const htmlPage = (title: string, text: string, mark: string, more = ''): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>${style}</style>
<main><div class="mark" aria-hidden="true">${mark}</div><h1>${title}</h1><p>${text}</p>${more}</main>
</html>
`

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/**
 * Makes foreign text safe to display: no markup, no characters that reorder or hide the text next
 * to it, and at most 200 characters.
 */
export const escapeHtml = (text: string): string =>
  text
    .slice(0, 200)
    .replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}\u2028\u2029]/gu, '\ufffd')
    .replace(/[&<>"']/g, (character) => entities[character] as string)

/** @param withForm the page has a form, which may be sent only to this service */
export function sendHtmlPage(
  reply: FastifyReply,
  status: number,
  html: string,
  withForm = false,
): FastifyReply {
  const target = withForm ? "'self'" : "'none'"
  // Without a referrer, browsers send the origin of their own form as "null".
  if (withForm) reply.header('referrer-policy', 'same-origin')
  return reply
    .code(status)
    .type('text/html; charset=utf-8')
    .header(
      'content-security-policy',
      `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action ${target}; frame-ancestors 'none'`,
    )
    .send(html)
}
