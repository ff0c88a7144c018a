/**
 * The operator's HTTP proxy: which targets use it, and tunnels through it (CONNECT, RFC 9110
 * section 9.3.6). HTTPS_PROXY, HTTP_PROXY and NO_PROXY work as in curl, with two differences: http
 * targets are tunnelled too, and loopback never goes through a proxy, where it would mean the
 * proxy's own host. Over 200 lines because the rules for targets and the tunnels belong together.
 */
import { BlockList, isIP, type Socket } from 'node:net'
import { Agent, buildConnector } from 'undici'
import type { Clock } from './clock.ts'
import type { Log } from './log.ts'
import { Secret } from './secret.ts'

export interface ProxyServer {
  /** Without the login, so that it can be printed. */
  origin: string
  /** The value of Proxy-Authorization. */
  authorization: Secret | undefined
}

/** @returns whether a target bypasses the proxy; `host` is without brackets */
export type NoProxyRule = (host: string, port: number) => boolean

export interface Proxies {
  https: ProxyServer | undefined
  http: ProxyServer | undefined
  except: readonly NoProxyRule[]
}

/** @returns undefined if the text is not the address of an HTTP proxy */
export function parseProxy(text: string): ProxyServer | undefined {
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`)
  if (!url || !/^https?:$/.test(url.protocol) || url.hostname === '') return undefined
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') return undefined
  const login = url.username !== '' || url.password !== ''
  try {
    const words = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`
    const authorization = login ? new Secret(`Basic ${Buffer.from(words).toString('base64')}`) : undefined
    return { origin: url.origin, authorization }
  } catch {
    return undefined
  }
}

/**
 * `*`, names including their subdomains, addresses, networks; each may end in `:port`. Separated by
 * commas or spaces.
 */
export const noProxyRules = (text: string): NoProxyRule[] =>
  text
    .toLowerCase()
    .split(/[,\s]+/)
    .filter((one) => one !== '')
    .map(noProxyRule)

function noProxyRule(text: string): NoProxyRule {
  const [, written = text, port] = /^(\[.+\]|[^:]+):(\d{1,5})$/.exec(text) ?? []
  const name = written.replace(/^\[(.+)\]$/, '$1').replace(/^\*?\./, '')
  const fits = name === '*' ? () => true : (inNetwork(name) ?? ((host) => isWithin(host, name)))
  return (host, at) => (port === undefined || Number(port) === at) && fits(host)
}

const isWithin = (host: string, name: string) => host === name || host.endsWith(`.${name}`)

/** @returns undefined if the text is neither an address nor a network */
function inNetwork(text: string): ((host: string) => boolean) | undefined {
  const [address = '', bits] = text.split('/')
  const family = isIP(address)
  if (family === 0) return undefined
  const most = family === 4 ? 32 : 128
  const length = bits === undefined ? most : Number(bits)
  if (!(length >= 0 && length <= most)) return undefined
  const list = new BlockList()
  list.addSubnet(address, length, family === 4 ? 'ipv4' : 'ipv6')
  return (host) => isIP(host) === family && list.check(host, family === 4 ? 'ipv4' : 'ipv6')
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')
loopback.addSubnet('::ffff:127.0.0.0', 104, 'ipv6')

/**
 * @param host lower case, without brackets; `localhost` and its subdomains are loopback by RFC 6761
 * section 6.3
 */
function isLoopback(host: string): boolean {
  const family = isIP(host)
  if (family === 0) return isWithin(host, 'localhost')
  return loopback.check(host, family === 4 ? 'ipv4' : 'ipv6')
}

/** The proxy did not open a tunnel. The message names the proxy, never the login. */
export class ProxyError extends Error {
  override name = 'ProxyError' as const
  readonly code = 'PROXY'
}

type Connector = buildConnector.connector
type Target = Pick<buildConnector.Options, 'protocol' | 'hostname' | 'port'>

const reconnectAfterMs = 60_000

export interface Egress {
  /** @returns undefined for a direct connection */
  proxyFor(target: Target): ProxyServer | undefined
  /**
   * Connects to the target through a proxy; TLS, if any, is with the target.
   *
   * @param address the target's name or resolved address, sent to the proxy
   * @param done called with a ProxyError or TLS error on failure
   */
  tunnel(
    proxy: ProxyServer,
    target: buildConnector.Options,
    address: string,
    done: buildConnector.Callback,
  ): void
  /** Connects directly or through a proxy, depending on the target's name. */
  connector(directTimeoutMs: number): Connector
  close(): Promise<void>
}

/**
 * @param timeoutMs for the connection to the proxy including its response to CONNECT, and again for
 * TLS with the target
 * @returns undefined without a proxy: all connections are direct
 */
export function createEgress(
  { https, http, except }: Proxies,
  clock: Clock,
  log: Log,
  timeoutMs = 5_000,
): Egress | undefined {
  if (!https && !http) return undefined
  const secure = buildConnector({ timeout: timeoutMs, allowH2: false })
  // The Host header names the target, but TLS here is with the proxy.
  const agent = new Agent({
    headersTimeout: timeoutMs,
    connect: (options, done) =>
      secure({ ...options, ...(isIP(options.hostname) ? {} : { servername: options.hostname }) }, done),
  })
  let saidAt = Number.NEGATIVE_INFINITY

  /** Logged at most once a minute: each failed call reports its own error. */
  function failed(proxy: ProxyServer, reason: string, cause?: unknown): ProxyError {
    if (clock.monotonic() - saidAt >= reconnectAfterMs) {
      saidAt = clock.monotonic()
      log.warn({ proxy: proxy.origin, reason }, 'the proxy did not open a connection')
    }
    return new ProxyError(`the proxy ${proxy.origin} ${reason}`, { cause })
  }

  async function open(proxy: ProxyServer, target: string): Promise<Socket> {
    const headers: Record<string, string> = { host: target }
    if (proxy.authorization) headers['proxy-authorization'] = proxy.authorization.reveal()
    const signal = AbortSignal.timeout(timeoutMs)
    const { statusCode, socket } = await agent
      .connect({ origin: proxy.origin, path: target, headers, signal, opaque: null })
      .catch((cause: unknown) => {
        throw failed(proxy, wordsOf(cause), cause)
      })
    if (statusCode >= 200 && statusCode < 300) return socket as Socket
    socket.on('error', () => {}).destroy()
    throw failed(proxy, `answered ${statusCode}`)
  }

  const egress: Egress = {
    proxyFor({ protocol, hostname, port }) {
      const proxy = protocol === 'https:' ? https : http
      if (!proxy) return undefined
      const host = bare(hostname).replace(/\.$/, '').toLowerCase()
      if (isLoopback(host)) return undefined
      return except.some((rule) => rule(host, portOf(protocol, port))) ? undefined : proxy
    },
    tunnel(proxy, target, address, done) {
      const host = isIP(bare(address)) === 6 ? `[${bare(address)}]` : address
      open(proxy, `${host}:${portOf(target.protocol, target.port)}`).then(
        (socket) =>
          target.protocol === 'https:' ? secure({ ...target, httpSocket: socket }, done) : done(null, socket),
        (error: unknown) => done(error as Error, null),
      )
    },
    connector(directTimeoutMs) {
      const direct = buildConnector({ timeout: directTimeoutMs })
      return (target, done) => {
        const proxy = egress.proxyFor(target)
        if (proxy) egress.tunnel(proxy, target, target.hostname, done)
        else direct(target, done)
      }
    },
    close: () => agent.destroy(),
  }
  return egress
}

const bare = (host: string) => host.replace(/^\[(.+)\]$/, '$1')
const portOf = (protocol: string, port: string) =>
  port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port)

/** The code, because a message may quote what was sent. */
function wordsOf(error: unknown): string {
  const { code, name } = error as { code?: unknown; name?: string }
  if (name === 'TimeoutError' || /TIMEOUT/.test(String(code))) return 'did not answer in time'
  return `cannot be reached (${typeof code === 'string' ? code : name})`
}
