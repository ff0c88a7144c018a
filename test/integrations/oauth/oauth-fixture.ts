/** What the tests of OAuth share: a service, an emulator with our app, and the way through HubSpot's page. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { createBrowser } from '../../../demo/browser.ts'
import { startOn } from '../../http/http-fixture.ts'
import type { Watched } from '../../http/oracle.ts'
import { type Answer, send } from '../../http/send.ts'
import { startTestEmulator } from '../../support/emulator.ts'

export const callback = '/api/hubspot/oauth/callback'

export interface Came {
  code: string
  state: string
  error: string | null
  search: string
}

export async function startOAuth(env: Record<string, string> = {}) {
  const emulator = await startTestEmulator({ quirks: { index_lag_ms: 0 } })
  const bench: Watched = { emulator, ...(await startOn(emulator, env)) }
  const { service } = bench
  /** Everything that must never be written anywhere: codes, states, tokens. */
  const secrets: string[] = []

  const authorize = (tenant: string, query = '') =>
    send(service.url, { path: `/api/hubspot/authorize/${tenant}${query}` })

  /** Opens HubSpot's page and returns, as a browser does. */
  async function visit(url: string, portal: number, how = '1'): Promise<Came> {
    const page = new URL(url)
    page.searchParams.set('auto', how)
    page.searchParams.set('portal_id', String(portal))
    const answer = await fetch(page, { redirect: 'manual' })
    const back = new URL(answer.headers.get('location') ?? 'about:blank')
    assert.equal(back.pathname, callback, await answer.text())
    const came = {
      code: back.searchParams.get('code') ?? '',
      state: back.searchParams.get('state') ?? '',
      error: back.searchParams.get('error'),
      search: back.search,
    }
    if (came.code) secrets.push(came.code)
    return came
  }

  /** From nothing to the moment before the callback. */
  async function start(portal: number, tenant: string = randomUUID(), query = '', how = '1') {
    const { status, json } = await authorize(tenant, query)
    assert.equal(status, 200, JSON.stringify(json))
    return {
      tenant,
      integration: json.integration_id as string,
      ...(await visit(json.authorization_url, portal, how)),
    }
  }

  const post = (code: string, state: string): Promise<Answer> =>
    send(service.url, {
      method: 'POST',
      path: callback,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ code, state }),
    })

  return {
    ...bench,
    secrets,
    authorize,
    visit,
    start,
    post,
    /** A browser that stores its cookie and can press the button. */
    browser: createBrowser(service.url, AbortSignal.timeout(600_000)),
    browse: (search: string, accept = 'text/html') =>
      send(service.url, { path: `${callback}${search}`, headers: { accept } }),
    portal: (more: object = {}) => emulator.world.addPortal({ tickets: 2, ...more }).portal_id,
    tokenCalls: () =>
      emulator.world.log.list().filter(({ path }) => /^\/oauth\/[^/]+\/token$/.test(path)).length,
    async stop() {
      await service.stop()
      await emulator.close()
    },
  }
}

export type OAuthBench = Awaited<ReturnType<typeof startOAuth>>
