// Control acts on webhooks: what an app is subscribed to, how deliveries go, what became of them.
import type { SignInput, WebhooksInput } from '../webhooks/set.ts'
import { missing, numberOf, type Request, type Row } from './table.ts'

const MOST_WAIT_MS = 120_000

export const WEBHOOK_ACTS: readonly Row[] = [
  ['GET', '/apps/:/webhooks', ({ world, params }) => world.appWebhooks(params[0] ?? '')],
  [
    'PUT',
    '/apps/:/webhooks',
    ({ world, params, body }) => world.setWebhooks(params[0] ?? '', body as WebhooksInput),
  ],
  [
    'POST',
    '/apps/:/webhooks/sign',
    ({ world, params, body }) => world.signWebhook(params[0] ?? '', body as SignInput),
  ],
  [
    'POST',
    '/apps/:/webhooks/test',
    ({ world, params, body }) => {
      const app = world.tokens.apps.get(params[0] ?? '') ?? missing('app')
      return { events: world.webhooks.test(app, world.portal(Number(body.portal_id)).portal_id) }
    },
  ],
  ['GET', '/webhooks', showAll],
  [
    'PATCH',
    '/webhooks',
    (request) => {
      request.world.webhooks.set(request.body)
      return showAll(request)
    },
  ],
  [
    'PATCH',
    '/webhooks/disorder',
    ({ world, body }) => {
      world.webhooks.disturb(body)
      return world.webhooks.disorder
    },
  ],
  ['DELETE', '/webhooks/disorder', ({ world }) => world.webhooks.calm()],
  [
    'GET',
    '/webhooks/deliveries',
    ({ world, query }) => {
      const client_id = query.get('client_id')
      return { results: world.webhooks.attempts({ ...window(query), ...(client_id ? { client_id } : {}) }) }
    },
  ],
  [
    'DELETE',
    '/webhooks/deliveries',
    ({ world }) => {
      world.webhooks.forgetAttempts()
      return { cleared: true }
    },
  ],
  ['GET', '/webhooks/events', ({ world, query }) => ({ results: world.webhooks.kept(window(query)) })],
  [
    'DELETE',
    '/webhooks/events',
    ({ world }) => {
      world.webhooks.forgetKept()
      return { cleared: true }
    },
  ],
  ['POST', '/webhooks/flush', (request) => waited(request, request.world.webhooks.sender.flush)],
  ['POST', '/webhooks/wait', (request) => waited(request, request.world.webhooks.sender.quiet)],
  [
    'DELETE',
    '/webhooks/queue',
    ({ world }) => {
      world.webhooks.sender.drop()
      return world.webhooks.sender.counts()
    },
  ],
]

function showAll({ world }: Request): unknown {
  const { sending, disorder, sender } = world.webhooks
  return { settings: sending, disorder, counts: sender.counts() }
}

function window(query: URLSearchParams): { since?: number; portal_id?: number; limit?: number } {
  const names = ['since', 'portal_id', 'limit'] as const
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = numberOf(query.get(name))
      return value === undefined ? [] : [[name, value]]
    }),
  )
}

async function waited({ world, body }: Request, act: (ms: number) => Promise<boolean>): Promise<unknown> {
  const { timeout_ms = 10_000 } = body
  if (typeof timeout_ms !== 'number' || !(timeout_ms >= 0 && timeout_ms <= MOST_WAIT_MS))
    throw new Error(`timeout_ms must be a number from 0 to ${MOST_WAIT_MS}`)
  const quiet = await act(timeout_ms)
  return { quiet, ...world.webhooks.sender.counts() }
}
