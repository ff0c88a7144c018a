/** The thread that takes the script of the API reference out of its package, and compresses it. */
import { parentPort } from 'node:worker_threads'
import { gzipSync } from 'node:zlib'
import scalar from '@scalar/fastify-api-reference'
import type { FastifyInstance, RouteOptions } from 'fastify'

let script: unknown
const reply = {
  header: () => reply,
  send(payload: unknown) {
    script = payload
  },
}

/** As much of Fastify as the package uses; the whole of it would take 30 MB more. */
const app = {
  initialConfig: {},
  hasPlugin: () => false,
  route({ url, handler }: RouteOptions) {
    if (url === '/js/scalar.js') Reflect.apply(handler, undefined, [{}, reply])
  },
}
scalar(
  app as unknown as FastifyInstance,
  { routePrefix: '/', configuration: { url: 'openapi.json' } },
  () => {},
)
if (typeof script !== 'string') throw new Error('The package of the API reference sent no script')
// Developer tools would request a source map, which is not in the package.
const bytes = gzipSync(script.replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n'), { level: 9 })
parentPort?.postMessage(bytes, [bytes.buffer as ArrayBuffer])
