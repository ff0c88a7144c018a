// What the tests of the journal share: an account with an app, the app's token, and ways to subscribe and to read.
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { NewPortal } from '../src/portals.ts'
import type { Quirks } from '../src/quirks.ts'
import { ask, startLimited } from './help.ts'

const SCOPES = ['read', 'subscriptions.read', 'subscriptions.write'].map(
  (one) => `developer.webhooks_journal.${one}`,
)

// biome-ignore lint/suspicious/noExplicitAny: test code reads foreign JSON
export type Event = any

/** An account with an app installed, and a token of that app for its journal. */
export async function startJournal(
  t: TestContext,
  portal: NewPortal = {},
  quirks: Partial<Quirks> = {},
  scopes = SCOPES,
) {
  const account = await startLimited(portal, quirks)
  t.after(account.close)
  const { world, url } = account.emulator
  const { portal_id } = account
  const app = world.addApp({ required_scopes: ['oauth', 'tickets'] })
  const install = (to: number) =>
    world.addToken(to, { kind: 'oauth', client_id: app.client_id, scopes: ['oauth', 'tickets'] })
  install(portal_id)
  const mint = async (scope: string) =>
    (
      await ask(url, 'POST', '/oauth/2026-09/token', {
        form: {
          grant_type: 'client_credentials',
          client_id: app.client_id,
          client_secret: app.client_secret,
          scope,
        },
      })
    ).json.access_token as string
  const token = await mint(scopes.join(' '))
  const api = (method: string, path: string, body?: unknown, bearer = token) =>
    ask(url, method, `/webhooks-journal${path}`, { token: bearer, ...(body === undefined ? {} : { body }) })
  const subscribe = async (more: object) => {
    const answer = await api('POST', '/subscriptions/2026-03', {
      subscriptionType: 'OBJECT',
      portalId: portal_id,
      objectTypeId: '0-5',
      actions: ['CREATE', 'UPDATE', 'DELETE', 'MERGE', 'RESTORE'],
      properties: ['subject', 'content', 'region'],
      objectIds: [],
      ...more,
    })
    assert.equal(answer.status, 200, answer.text)
    return answer.json
  }
  const read = (path: string) => api('GET', `/journal/2026-03${path}`)
  const open = async (pointer: { url: string }) => {
    const answer = await fetch(pointer.url)
    assert.equal(answer.status, 200)
    return (await answer.json()) as { offset: string; journalEvents: Event[]; publishedAt: string }
  }
  // Every event from an offset on, or from the start, as a reader would fetch them.
  const walk = async (from: string | null, query = '') => {
    const events: Event[] = []
    let offset = from
    for (;;) {
      const next = await read(`${offset === null ? '/earliest' : `/offset/${offset}/next`}${query}`)
      if (next.status === 204) return { events, offset: offset as string }
      assert.equal(next.status, 200)
      const file = await open(next.json)
      assert.equal(file.offset, next.json.currentOffset)
      events.push(...file.journalEvents)
      offset = file.offset
    }
  }
  return { ...account, world, url, app, install, mint, api, subscribe, read, open, walk }
}

export const shape = (events: Event[]) => events.map((one) => [one.action, one.objectId])
