/** Finds a port of this machine that nothing listens on. */
import { once } from 'node:events'
import { createServer } from 'node:net'

/** True when neither 127.0.0.1 nor ::1 has a listener there: a browser that is sent to localhost may try both. */
export async function isFree(port: number): Promise<boolean> {
  for (const host of ['127.0.0.1', '::1']) {
    const server = createServer()
    try {
      server.listen(port, host)
      await once(server, 'listening')
    } catch (error) {
      // A machine without IPv6 has no listener on it either.
      if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false
    } finally {
      if (server.listening) await new Promise((done) => server.close(done))
    }
  }
  return true
}

/** The first free one from `wanted` on. */
export async function freePortFrom(wanted: number): Promise<number> {
  for (let port = wanted; port < Math.min(wanted + 100, 65_536); port++) if (await isFree(port)) return port
  throw new Error(`no free port from ${wanted} on`)
}
