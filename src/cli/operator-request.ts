/**
 * Calls the API for operator commands: in this process, or over HTTP when the service has the
 * embedded database open.
 */
import type { AdminResponse } from '../app/admin-client.ts'
import { StartError } from '../app/preflight.ts'
import type { Config } from '../config.ts'
import { LockedError } from '../db/directory-lock.ts'
import { commandLog, readCommandConfig } from './console.ts'

type Method = 'GET' | 'POST' | 'DELETE'

const withinMs = 30_000

/** @throws StartError with the API's error message when it refuses */
export async function requestAsOperator(
  method: Method,
  url: string,
  payload?: object,
): Promise<Record<string, unknown>> {
  const read = readCommandConfig()
  const request = { method, url, ...(payload ? { payload } : {}) }
  // Loaded only now: it brings the whole API, which most commands do not need.
  const { requestAsAdmin } = await import('../app/admin-client.ts')
  const { status, body } = await requestAsAdmin(read, commandLog(), request).catch(async (error: unknown) => {
    if (!(error instanceof LockedError)) throw error
    return await requestService(read, error, request)
  })
  if (status < 400) return body
  const details = ((body.errors ?? []) as { pointer: string; rule: string }[])
    .filter(({ rule }) => !String(body.error).includes(rule))
    .map(({ pointer, rule }) => `; ${pointer.replace('/', '')} ${rule}`)
    .join('')
  throw new StartError(`${body.error}${details} (${body.code})`)
}

async function requestService(
  { host, port, adminKey }: Config,
  locked: LockedError,
  { method, url, payload }: { method: Method; url: string; payload?: object },
): Promise<AdminResponse> {
  const at = `http://${host.includes(':') ? `[${host}]` : host}:${port}`
  const answer = await fetch(`${at}${url}`, {
    method,
    redirect: 'error',
    signal: AbortSignal.timeout(withinMs),
    headers: {
      ...(payload ? { 'content-type': 'application/json' } : {}),
      ...(adminKey ? { authorization: `Bearer ${adminKey.reveal()}` } : {}),
    },
    ...(payload ? { body: JSON.stringify(payload) } : {}),
  }).catch((cause: unknown) => {
    throw new StartError(
      `${locked.message} That process does not respond at ${at} either; set HOST and PORT to its own.`,
      {
        cause,
      },
    )
  })
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
}

/** Reads a list to its end, page by page. */
export async function requestAllPages(url: string, name: string): Promise<Record<string, unknown>[]> {
  const all: Record<string, unknown>[] = []
  for (let after = ''; ; ) {
    const page = await requestAsOperator('GET', `${url}?limit=200${after && `&after=${after}`}`)
    all.push(...(page[name] as Record<string, unknown>[]))
    if (typeof page.next_after !== 'string') return all
    after = page.next_after
  }
}
