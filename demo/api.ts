/** Pages and raw responses, which the client of Spoke does not give: every wait bounded. */
import { setTimeout as sleep } from 'node:timers/promises'

export interface Answer {
  status: number
  headers: Headers
  text: string
  // The callers read the fields that they need and fail by name when one is missing.
  // biome-ignore lint/suspicious/noExplicitAny: answers of many shapes are read here
  body: any
}

export type Api = ReturnType<typeof createApi>

/**
 * @param base without a slash at its end
 * @param key sent to Spoke alone; absent: open mode
 */
export function createApi(base: string, signal: AbortSignal, key?: string) {
  async function ask(method: string, path: string, body?: unknown, withinMs = 30_000): Promise<Answer> {
    const foreign = path.startsWith('http')
    const response = await fetch(foreign ? path : `${base}${path}`, {
      method,
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(withinMs)]),
      headers: {
        ...(key && !foreign ? { authorization: `Bearer ${key}` } : {}),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.includes('json')
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: isJson ? JSON.parse(text) : undefined,
    }
  }

  /** The response if it has the expected status. @throws Error with Spoke's message otherwise */
  async function expect(status: number, method: string, path: string, body?: unknown): Promise<Answer> {
    let answer = await ask(method, path, body)
    // A busy machine; nothing was done, and Spoke returns when to retry.
    for (let tries = 1; answer.body?.code === 'overloaded' && tries < 10; tries++) {
      const seconds = Math.min(Number(answer.headers.get('retry-after') ?? 1), 5)
      await sleep(seconds * 1_000, undefined, { signal })
      answer = await ask(method, path, body)
    }
    if (answer.status === status) return answer
    const why = answer.body?.error ?? answer.text.slice(0, 200)
    throw new Error(`${method} ${path} answered ${answer.status} and not ${status}: ${why}`)
  }

  return {
    get: (path: string, status = 200) => expect(status, 'GET', path),
    post: (path: string, body: unknown, status: number) => expect(status, 'POST', path, body),
    /** With any status. */
    getAny: (path: string) => ask('GET', path),
  }
}
