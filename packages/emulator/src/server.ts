// Starts the emulator: one HTTP server in front of one world.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serveControl } from './control/control.ts'
import { serveHubSpot } from './http/pipeline.ts'
import type { Quirks } from './quirks.ts'
import { createWorld, type World } from './world.ts'

export type EmulatorOptions = { port?: number; host?: string; seed?: number; quirks?: Partial<Quirks> }
export type Emulator = { url: string; port: number; world: World; close(): Promise<void> }

export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const { port = 0, host = '127.0.0.1', seed = 1, quirks = {} } = options
  const world = createWorld(seed, quirks)
  // Long URLs are to meet HubSpot's own answer and not Node's.
  const server = createServer({ maxHeaderSize: 256 * 1024, keepAliveTimeout: 75_000 }, (req, res) => {
    void serve(world, req, res)
  })
  await new Promise<void>((done, fail) => {
    server.once('error', fail)
    server.listen(port, host, done)
  })
  const bound = server.address() as AddressInfo
  const shown = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address
  return {
    url: `http://${shown === '0.0.0.0' || shown === '[::]' ? '127.0.0.1' : shown}:${bound.port}`,
    port: bound.port,
    world,
    close: () =>
      new Promise((done) => {
        world.stop()
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
}

async function serve(world: World, req: IncomingMessage, res: ServerResponse): Promise<void> {
  // A client that goes away in the middle is ordinary here.
  res.on('error', () => {})
  req.on('error', () => {})
  try {
    if (/^\/_emulator(\/|\?|$)/.test(req.url ?? '')) await serveControl(world, req, res)
    else await serveHubSpot(world, req, res)
  } catch {
    res.destroy()
  }
}
