// What the emulator's tests share: one emulator, one account, and short ways to call it.
import type { NewPortal } from '../src/portals.ts'
import type { Quirks } from '../src/quirks.ts'
import { type Emulator, startEmulator } from '../src/server.ts'

export type Answer = {
  status: number
  headers: Headers
  text: string
  // Answers of many shapes are read in these tests; each test asserts what it needs of them.
  // biome-ignore lint/suspicious/noExplicitAny: test code reads foreign JSON
  json: any
}

export type Options = {
  body?: unknown
  form?: Record<string, string>
  token?: string | null
  headers?: Record<string, string>
}

export type Account = {
  emulator: Emulator
  portal_id: number
  token: string
  call(method: string, path: string, options?: Options): Promise<Answer>
  get(path: string): Promise<Answer>
  post(path: string, body: unknown): Promise<Answer>
  close(): Promise<void>
}

export async function ask(url: string, method: string, path: string, options: Options = {}): Promise<Answer> {
  const headers: Record<string, string> = { ...options.headers }
  if (options.token) headers.authorization = `Bearer ${options.token}`
  let body: string | undefined
  if (options.form) {
    body = new URLSearchParams(options.form).toString()
    headers['content-type'] = 'application/x-www-form-urlencoded'
  } else if (options.body !== undefined) {
    body = typeof options.body === 'string' ? options.body : JSON.stringify(options.body)
    headers['content-type'] ??= 'application/json'
  }
  const response = await fetch(url + path, {
    method,
    headers,
    redirect: 'manual',
    ...(body === undefined ? {} : { body }),
  })
  const text = await response.text()
  let json: unknown = null
  try {
    json = JSON.parse(text)
  } catch {}
  return { status: response.status, headers: response.headers, text, json }
}

// Index lag and rate limits are off unless a test asks for them: most tests are about something else.
export async function startAccount(portal: NewPortal = {}, quirks: Partial<Quirks> = {}): Promise<Account> {
  const account = await startLimited(portal, quirks)
  account.emulator.world.rates.limits.enabled = false
  return account
}

export async function startLimited(portal: NewPortal = {}, quirks: Partial<Quirks> = {}): Promise<Account> {
  const emulator = await startEmulator({ quirks: { index_lag_ms: 0, index_lag_jitter_ms: 0, ...quirks } })
  const { portal_id } = emulator.world.addPortal({ tickets: 25, ...portal })
  const { token } = emulator.world.addToken(portal_id, { kind: 'private_app' })
  const call: Account['call'] = (method, path, options = {}) =>
    ask(emulator.url, method, path, { token, ...options })
  return {
    emulator,
    portal_id,
    token,
    call,
    get: (path) => call('GET', path),
    post: (path, body) => call('POST', path, { body }),
    close: () => emulator.close(),
  }
}

export const TICKETS = '/crm/objects/2026-09/tickets'
export const SEARCH = `${TICKETS}/search`

export function filter(
  propertyName: string,
  operator: string,
  value?: string | number,
  more: object = {},
): object {
  return {
    filterGroups: [
      {
        filters: [
          { propertyName, operator, ...(value === undefined ? {} : { value: String(value) }), ...more },
        ],
      },
    ],
  }
}

// All ids of the list, page by page.
export async function listIds(account: Account, query = '', limit = 10): Promise<string[]> {
  const ids: string[] = []
  for (let after = ''; ; ) {
    const page = await account.get(
      `${TICKETS}?limit=${limit}${query}${after ? `&after=${encodeURIComponent(after)}` : ''}`,
    )
    for (const one of page.json.results) ids.push(one.id)
    if (!page.json.paging) return ids
    after = page.json.paging.next.after
  }
}

export async function searchIds(account: Account, body: object, limit = 10): Promise<string[]> {
  const ids: string[] = []
  for (let after: string | undefined; ; ) {
    const page = await account.post(SEARCH, { limit, ...body, ...(after ? { after } : {}) })
    if (page.status !== 200) throw new Error(page.text)
    for (const one of page.json.results) ids.push(one.id)
    if (!page.json.paging) return ids
    after = page.json.paging.next.after
  }
}
