/** Callers that begin a request and do not finish it. */
import { connect } from 'node:net'

/** What each sends first, and what it continues with. */
export const lorises: readonly [what: string, first: string, drip: string][] = [
  ['nothing', '', ''],
  ['half a head', 'GET /livez HTTP/1.1\r\nHost: localhost\r\n', ''],
  ['a head that drips', 'GET /livez HTTP/1.1\r\nHost: localhost\r\n', 'x-a: b\r\n'],
  [
    'a body that drips',
    'POST /api/hubspot/oauth/callback HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n',
    ' ',
  ],
]

export interface Life {
  what: string
  /** Until the server closed the connection. */
  ms: number
  /** The server never did. */
  held: boolean
}

/** @param atMost then it gives up, ms */
export async function live(url: string, which: number, atMost: number): Promise<Life> {
  const [what, first, drip] = lorises[which % lorises.length] as (typeof lorises)[number]
  const { port, hostname } = new URL(url)
  const socket = connect(Number(port), hostname).on('error', () => {})
  socket.resume()
  const began = performance.now()
  socket.write(first)
  const dripping = drip === '' ? undefined : setInterval(() => socket.write(drip), 300)
  let held = false
  const enough = setTimeout(() => {
    held = true
    socket.destroy()
  }, atMost)
  await new Promise<void>((resolve) => socket.once('close', () => resolve()))
  clearInterval(dripping)
  clearTimeout(enough)
  return { what, ms: performance.now() - began, held }
}
