/** An HTTP proxy on loopback that opens tunnels and records their targets. It connects to this machine only, for any target. */
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'

export interface TestProxy {
  /** Without a login. */
  url: string
  /** The target of CONNECT, as `host:port`. */
  targets: string[]
  /** Of the last CONNECT. */
  authorization: string | undefined
  /** Requests that were no CONNECT. */
  others: number
  /** What a CONNECT is answered with; `hang`: nothing; `reset`: the connection closes. */
  answer: 200 | 403 | 407 | 'hang' | 'reset'
  /** The local port that replaces a target; absent: the target's own port. */
  portOf: (target: string) => number
  close(): Promise<void>
}

export async function startProxy(): Promise<TestProxy> {
  const sockets = new Set<Socket>()
  const server = createServer((_request, response) => {
    proxy.others += 1
    response.writeHead(501).end()
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
  })
  server.on('connect', (request: IncomingMessage, client: Socket, head: Buffer) => {
    const target = request.url ?? ''
    proxy.targets.push(target)
    proxy.authorization = request.headers['proxy-authorization']
    if (proxy.answer === 'hang') return
    if (proxy.answer === 'reset') return client.destroy()
    if (proxy.answer !== 200)
      return client.end(
        `HTTP/1.1 ${proxy.answer} No\r\nproxy-authenticate: Basic\r\ncontent-length: 0\r\n\r\n`,
      )
    const upstream = connect(proxy.portOf(target), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      upstream.write(head)
      upstream.pipe(client).pipe(upstream)
    })
    upstream.on('error', () => client.destroy())
    client.on('error', () => upstream.destroy()).on('close', () => upstream.destroy())
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const proxy: TestProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    targets: [],
    authorization: undefined,
    others: 0,
    answer: 200,
    portOf: (target) => Number(target.split(':').at(-1)),
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
  return proxy
}
