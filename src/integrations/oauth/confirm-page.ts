/**
 * The page that shows which HubSpot account will be connected to what; HubSpot's text is escaped.
 */
import { escapeHtml, htmlPage } from '../../api/html-page.ts'
import type { ConfirmationQuestion } from './confirm.ts'
import { confirmPath } from './confirm-cookie.ts'

export function confirmPage(
  { account, renews }: ConfirmationQuestion,
  tenantId: string,
  confirmationId: string,
): string {
  const { hub_id, hub_domain, hub_user, scopes } = account
  const entry = (term: string, html: string) => `<dt>${term}</dt><dd>${html}</dd>`
  const name = hub_domain ? `<span class="name">${escapeHtml(hub_domain)}</span><br>` : ''
  const facts = [
    entry('HubSpot account', `${name}number ${hub_id}`),
    ...(hub_user ? [entry('Signed in to HubSpot as', escapeHtml(hub_user))] : []),
    entry(
      'Permissions granted',
      scopes ? scopes.slice(0, 50).map(escapeHtml).join(', ') : 'not reported by HubSpot',
    ),
    entry('Connects to tenant', tenantId),
    entry(
      'Current state',
      renews ? 'connected; this renews the connection and keeps its data' : 'not connected to this account',
    ),
  ]
  const form = `<form method="post" action="${confirmPath(confirmationId)}">
<button class="yes" name="decision" value="connect">Connect</button>
<button name="decision" value="cancel">Cancel</button>
</form>`
  return htmlPage(
    'Connect this HubSpot account?',
    'Nothing is connected yet. If you connect this account, its tickets will be read and kept in sync. If this is the wrong account, or ' +
      'you did not start this yourself, choose Cancel.',
    '⇄',
    `<dl>${facts.join('')}</dl>${form}`,
  )
}

export const cancelledPage = (): string =>
  htmlPage(
    'Nothing was connected',
    'The access that HubSpot granted has been deleted here. You can close this tab, or start again from where you clicked “Connect”.',
    '–',
  )
