/** Two tenants connect, one by OAuth and one by a pasted token. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { createBrowser } from './browser.ts'
import type { DemoContext, Tenant } from './tenants.ts'

/** The steps of a browser: our authorize, HubSpot's page, our callback, the page that names the account, its button. */
export async function connectByOAuth({
  spoke,
  api,
  base,
  hubspot,
  screen,
  step,
}: DemoContext): Promise<Tenant> {
  step('tenant A connects by OAuth')
  const id = randomUUID()
  const began = await spoke.tenant(id).oauth.authorize()
  const page = new URL(began.authorization_url)
  assert.equal(page.origin, hubspot.url)
  // A person would click here.
  page.searchParams.set('auto', '1')
  page.searchParams.set('portal_id', String(hubspot.a.hubId))
  const back = (await api.get(page.href, 302)).headers.get('location') ?? ''
  assert.match(back, /\/api\/hubspot\/oauth\/callback\?code=/)
  const browser = createBrowser(base)
  const asked = await browser.comeBack(back)
  assert.ok(asked.page.includes(String(hubspot.a.hubId)))
  const { location } = await browser.press(asked)
  assert.match(location, /^\/connected\?/)
  await api.get(location)
  const integration = await spoke.tenant(id).integrations.get(began.integration_id)
  assert.equal(integration.status, 'active')
  assert.equal(integration.hub_id, hubspot.a.hubId)
  const tenant: Tenant = {
    letter: 'A',
    account: hubspot.a,
    id,
    integrationId: began.integration_id,
    connected: 'OAuth',
  }
  screen.held('Tenant A', `${hubspot.a.name}, account ${hubspot.a.hubId}, by OAuth`)
  return tenant
}

export async function connectByToken({ spoke, hubspot, screen, step }: DemoContext): Promise<Tenant> {
  step('tenant B connects by a pasted token')
  const id = randomUUID()
  const made = await spoke.tenant(id).integrations.connect({ access_token: hubspot.tokenOfB })
  assert.equal(made.hub_id, hubspot.b.hubId)
  screen.held('Tenant B', `${hubspot.b.name}, account ${hubspot.b.hubId}, by a pasted token`)
  const { integration_id: integrationId } = made
  return { letter: 'B', account: hubspot.b, id, integrationId, connected: 'pasted token' }
}
