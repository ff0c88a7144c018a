/** A small HTML page as an answer: it runs nothing, loads nothing, and has the one style that stands here. */
import { createHash } from 'node:crypto'
import type { FastifyReply } from 'fastify'

const style = `
  body { font: 1rem/1.5 system-ui, sans-serif; display: grid; place-items: center; min-height: 90vh; margin: 0;
    color-scheme: light dark; }
  main { max-width: 26rem; padding: 2rem; text-align: center; }
  .mark { font-size: 2.5rem; }
  h1 { font-size: 1.3rem; margin: .5rem 0; }
`
const styleHash = createHash('sha256').update(style).digest('base64')

/** @param text of ours; nothing is escaped */
export const page = (title: string, text: string, mark: string): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>${style}</style>
<main><div class="mark" aria-hidden="true">${mark}</div><h1>${title}</h1><p>${text}</p></main>
</html>
`

export const sendPage = (reply: FastifyReply, status: number, html: string): FastifyReply =>
  reply
    .code(status)
    .type('text/html; charset=utf-8')
    .header(
      'content-security-policy',
      `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    )
    .send(html)
