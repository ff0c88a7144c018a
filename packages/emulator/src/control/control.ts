// The control API under /_emulator: tests and people make accounts, change tickets, order faults, move the clock.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { readBody } from '../http/wire.ts'
import type { World } from '../world.ts'
import { ACCOUNT_ACTS } from './account-acts.ts'
import { JOURNAL_ACTS } from './journal-acts.ts'
import type { Input } from './table.ts'
import { TICKET_ACTS } from './ticket-acts.ts'
import { WEBHOOK_ACTS } from './webhook-acts.ts'
import { WORLD_ACTS } from './world-acts.ts'

const ACTS = [...WORLD_ACTS, ...ACCOUNT_ACTS, ...TICKET_ACTS, ...WEBHOOK_ACTS, ...JOURNAL_ACTS].map(
  ([method, pattern, act]) => ({
    method,
    path: new RegExp(`^${pattern.replaceAll(':', '([^/]+)')}$`),
    act,
  }),
)

export async function serveControl(world: World, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const url = new URL(req.url ?? '/', 'http://emulator')
  const path = url.pathname.replace(/^\/_emulator/, '').replace(/(.)\/$/, '$1') || '/'
  try {
    const text = (await readBody(req)).toString('utf8')
    const body = text.trim() === '' ? {} : (JSON.parse(text) as Input)
    for (const { method, path: pattern, act } of ACTS) {
      const hit = method === req.method ? pattern.exec(path) : null
      if (!hit) continue
      return reply(
        res,
        200,
        await act({ world, params: hit.slice(1).map(decodeURIComponent), query: url.searchParams, body }),
      )
    }
    reply(res, 404, { error: `the control API has no ${req.method} ${path}` })
  } catch (error) {
    reply(res, 400, { error: (error as Error).message })
  }
}

function reply(res: ServerResponse, status: number, value: unknown): void {
  const body = Buffer.from(JSON.stringify(value), 'utf8')
  res.writeHead(status, {
    'content-type': 'application/json;charset=utf-8',
    'content-length': String(body.length),
  })
  res.end(body)
}
