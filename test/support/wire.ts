/** A connection to the database that a test can cut or stall. */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** @param url of the database; the service gets the returned one */
export async function wireTo(url: string) {
  const { port, hostname } = new URL(url)
  const sockets = new Set<Socket>()
  let state: 'whole' | 'cut' | 'silent' = 'whole'
  const server = createServer((near) => {
    sockets.add(near.on('error', () => {}))
    if (state === 'cut') return void near.destroy()
    if (state === 'silent') return
    const far = connect(Number(port), hostname)
    sockets.add(far.on('error', () => {}))
    near.pipe(far)
    far.pipe(near)
    near.once('close', () => far.destroy())
    far.once('close', () => near.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const through = new URL(url)
  through.port = String((server.address() as { port: number }).port)
  return {
    url: through.toString(),
    set(next: typeof state) {
      state = next
      for (const socket of sockets) {
        if (next === 'silent') socket.unpipe().pause()
        else socket.destroy()
      }
      if (next !== 'silent') sockets.clear()
    },
    close: () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
