// The HTML of the authorize page. Its buttons lead back to the same path with `auto`, so it needs no script.
import type { Call } from '../http/call.ts'
import type { Reply } from '../http/reply.ts'
import type { Portal } from '../portals.ts'
import type { App } from '../token-types.ts'

const WORDS: Record<string, string> = {
  oauth: 'Know which account this is',
  tickets: 'View and change tickets',
  'crm.objects.owners.read': 'View users who own records',
}

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;margin:0;background:#f5f8fa;color:#213343}
main{max-width:30rem;margin:8vh auto;background:#fff;border:1px solid #cbd6e2;border-radius:6px;padding:2rem}
h1{font-size:1.3rem;margin:0 0 1rem}fieldset{border:1px solid #cbd6e2;border-radius:4px;margin:0 0 1rem;padding:.5rem 1rem}
label{display:block;padding:.3rem 0}ul{padding-left:1.2rem}small{color:#516f90}
button{font:inherit;border-radius:4px;border:1px solid #ff7a59;background:#ff7a59;color:#33150b;padding:.5rem 1.2rem;cursor:pointer}
button.quiet{background:#fff;border-color:#7c98b6;color:#213343;margin-left:.5rem}
code{background:#eaf0f6;padding:0 .25rem;border-radius:3px}`

export function consentPage(
  call: Call,
  app: App,
  portals: readonly Portal[],
  scopes: string[],
  optional: string[],
): Reply {
  const carried = [...call.query]
    .filter(([name]) => name !== 'auto' && name !== 'portal_id')
    .map(([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`)
    .join('')
  const choices = portals
    .map(
      (one, i) =>
        `<label><input type="radio" name="portal_id" value="${one.portal_id}"${i === 0 ? ' checked' : ''}> ${escapeHtml(one.name)} <small>${escapeHtml(one.hub_domain ?? 'no domain')} · ${one.portal_id}</small></label>`,
    )
    .join('')
  const item = (scope: string) =>
    `<li>${escapeHtml(WORDS[scope] ?? scope)} <small><code>${escapeHtml(scope)}</code></small></li>`
  return page(
    200,
    `Connect ${app.name}`,
    `<h1>${escapeHtml(app.name)} wants to connect to your account</h1>
<form method="get" action="${escapeHtml(call.path)}">${carried}
<fieldset><legend>Choose an account</legend>${choices || '<p>There is no account yet. Make one with POST /_emulator/portals.</p>'}</fieldset>
<p>It will be able to:</p><ul>${scopes.map(item).join('')}${optional.map(item).join('')}</ul>
<p><button name="auto" value="1">Connect app</button><button class="quiet" name="auto" value="deny">Deny</button></p></form>
<p><small>This is the HubSpot emulator. Nothing here reaches HubSpot.</small></p>`,
  )
}

export function errorPage(title: string, text: string): Reply {
  return page(
    400,
    title,
    `<h1>${escapeHtml(title)}</h1><p>${escapeHtml(text)}</p><p><small>This is the HubSpot emulator.</small></p>`,
  )
}

function page(status: number, title: string, body: string): Reply {
  return {
    status,
    contentType: 'text/html;charset=utf-8',
    headers: { 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' },
    text: `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(title)}</title><style>${STYLE}</style></head>\n<body><main>${body}</main></body></html>\n`,
  }
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
