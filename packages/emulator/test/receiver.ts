// What the tests of webhooks share: a receiver that keeps what it is sent, and an account that installed an app.
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { NewPortal } from '../src/portals.ts'
import type { Quirks } from '../src/quirks.ts'
import { type Answer, ask, startAccount } from './help.ts'

// biome-ignore lint/suspicious/noExplicitAny: test code reads foreign JSON
export type Event = any
export type Got = { headers: IncomingHttpHeaders; url: string; body: string; events: Event[]; at: number }

/** Keeps every request; `answer` says with which status, and after how many milliseconds. */
export async function startReceiver(t: TestContext) {
  const got: Got[] = []
  let running = 0
  const receiver = {
    url: '',
    got,
    most_running: 0,
    events: () => got.flatMap((one) => one.events),
    answer: (_got: Got): number | { status: number; after?: number; headers?: Record<string, string> } => 200,
  }
  const server = createServer(async (req, res) => {
    running += 1
    receiver.most_running = Math.max(receiver.most_running, running)
    // Over when the answer begins: whoever reads it may already send the next request.
    let over = false
    const end = () => {
      if (!over) running -= 1
      over = true
    }
    res.on('close', end)
    const chunks: Buffer[] = []
    for await (const chunk of req) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks).toString('utf8')
    const one = { headers: req.headers, url: req.url ?? '', body, events: JSON.parse(body), at: Date.now() }
    got.push(one)
    const said = receiver.answer(one)
    const { status, after = 0, headers = {} } = typeof said === 'number' ? { status: said } : said
    // A receiver that is slow to answer is not waited for when the test is over.
    if (after > 0) await sleep(after, undefined, { ref: false })
    end()
    if (!res.destroyed) res.writeHead(status, headers).end()
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  receiver.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return receiver
}

export type Hook = Awaited<ReturnType<typeof startHooked>>

/** An account with an app installed by OAuth, whose webhooks go to a receiver. */
export async function startHooked(
  t: TestContext,
  subscriptions: (string | object)[],
  portal: NewPortal = {},
  quirks: Partial<Quirks> = {},
) {
  const account = await startAccount(portal, quirks)
  t.after(account.close)
  const { world, url } = account.emulator
  const app = world.addApp({ required_scopes: ['oauth', 'tickets'] })
  const install = (portal_id: number) =>
    world.addToken(portal_id, { kind: 'oauth', client_id: app.client_id, scopes: ['oauth', 'tickets'] })
  const { token } = install(account.portal_id)
  const receiver = await startReceiver(t)
  const control = (method: string, path: string, body?: object): Promise<Answer> =>
    ask(url, method, `/_emulator${path}`, { body })
  const set = await control('PUT', `/apps/${app.client_id}/webhooks`, {
    target_url: receiver.url,
    subscriptions,
  })
  if (set.status !== 200) throw new Error(set.text)
  const wait = async (timeout_ms = 10_000) =>
    (await control('POST', '/webhooks/wait', { timeout_ms })).json as Record<string, number | boolean>
  return {
    ...account,
    world,
    url,
    app,
    install,
    oauth_token: token,
    receiver,
    control,
    wait,
    set: set.json,
    // Waits, and answers all events that came so far.
    events: async (): Promise<Event[]> => {
      await wait()
      return receiver.events()
    },
  }
}
