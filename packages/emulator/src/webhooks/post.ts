// POSTs to receivers, with a limit on how long all of one may take, and an end to all of them at once.
import { setMaxListeners } from 'node:events'
import { Agent, type RequestOptions, request as requestHttp } from 'node:http'
import { request as requestHttps, Agent as SecureAgent } from 'node:https'

export type Posted = { status: number | null; error: string | null; retryAfter: string | null }
type Agents = { http: Agent; https: Agent }

const USER_AGENT = 'HubSpot Connect 2.0 (http://dev.hubspot.com/) (namespace: webhooks-nio-http-client)'

/** Connections to receivers; `close` ends what is under way and lets nothing linger. */
export function openLine() {
  const agents = { http: new Agent({ keepAlive: true }), https: new SecureAgent({ keepAlive: true }) }
  const abort = new AbortController()
  // As many requests as there are accounts times their limit hang on this one signal.
  setMaxListeners(0, abort.signal)
  return {
    post: (url: string, signature: Record<string, string>, body: string, timeout_ms: number) =>
      post(url, signature, body, timeout_ms, agents, abort.signal),
    close(): void {
      abort.abort()
      for (const agent of Object.values(agents)) agent.destroy()
    },
  }
}

/** Never throws: what went wrong is in the answer. The receiver's body is read and forgotten. */
function post(
  url: string,
  signature: Record<string, string>,
  body: string,
  timeout_ms: number,
  agents: Agents,
  stop: AbortSignal,
): Promise<Posted> {
  return new Promise((done) => {
    let timer: NodeJS.Timeout | undefined
    const finish = (status: number | null, error: string | null, retryAfter: string | null = null) => {
      clearTimeout(timer)
      done({ status, error, retryAfter })
    }
    const bytes = Buffer.from(body, 'utf8')
    const headers = {
      Accept: '*/*',
      'Content-Type': 'application/json',
      'Content-Length': bytes.length,
      'User-Agent': USER_AGENT,
      ...signature,
    }
    try {
      const secure = new URL(url).protocol === 'https:'
      const options: RequestOptions = {
        method: 'POST',
        headers,
        agent: secure ? agents.https : agents.http,
        signal: stop,
      }
      const sent = (secure ? requestHttps : requestHttp)(url, options, (answer) => {
        const retryAfter = answer.headers['retry-after'] ?? null
        answer.on('error', (error) => finish(null, error.message))
        answer.on('close', () => finish(null, 'the answer was cut off'))
        answer.on('end', () => finish(answer.statusCode ?? null, null, retryAfter))
        answer.resume()
      })
      sent.on('error', (error: Error & { code?: string }) => {
        // The receiver hung up on an idle connection just when it was used again: no fault of either.
        const stale = sent.reusedSocket && error.code === 'ECONNRESET' && !stop.aborted
        if (!stale) return finish(null, error.message)
        clearTimeout(timer)
        done(post(url, signature, body, timeout_ms, agents, stop))
      })
      timer = setTimeout(() => sent.destroy(new Error(`no answer within ${timeout_ms} ms`)), timeout_ms)
      sent.end(bytes)
    } catch (error) {
      finish(null, (error as Error).message)
    }
  })
}
