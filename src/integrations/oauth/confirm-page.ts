/** The page on which a person sees which HubSpot account is about to be connected, and to what. HubSpot's words are escaped. */
import { escaped, page } from '../../api/html-page.ts'
import type { Question } from './confirm.ts'
import { confirmPath } from './confirm-cookie.ts'

export function confirmPage({ account, renews }: Question, tenantId: string, confirmationId: string): string {
  const { portalId, hubDomain, user, scopes } = account
  const entry = (term: string, html: string) => `<dt>${term}</dt><dd>${html}</dd>`
  const name = hubDomain ? `<span class="name">${escaped(hubDomain)}</span><br>` : ''
  const facts = [
    entry('HubSpot account', `${name}number ${portalId}`),
    ...(user ? [entry('Signed in at HubSpot as', escaped(user))] : []),
    entry('It allows', scopes ? scopes.slice(0, 50).map(escaped).join(', ') : 'HubSpot does not say'),
    entry('Connects to tenant', tenantId),
    entry(
      'So far',
      renews ? 'connected; this renews the connection and keeps its data' : 'not connected to this account',
    ),
  ]
  const form = `<form method="post" action="${confirmPath(confirmationId)}">
<button class="yes" name="decision" value="connect">Connect</button>
<button name="decision" value="cancel">Cancel</button>
</form>`
  return page(
    'Connect this HubSpot account?',
    'Nothing is connected yet. Once you connect it, its tickets are read and kept in sync. If this is not the account you meant, or ' +
      'you did not begin this yourself, choose Cancel.',
    '⇄',
    `<dl>${facts.join('')}</dl>${form}`,
  )
}

export const cancelledPage = (): string =>
  page(
    'Nothing was connected',
    'What HubSpot had granted is forgotten here. You can close this tab, or start again from where you clicked “Connect”.',
    '–',
  )
