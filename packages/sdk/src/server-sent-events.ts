/** Reads server-sent events from a response, and notices a connection that is silent. */
import { SpokeError } from './spoke-error.ts'

export interface ServerSentEvent {
  /** The last one received, also by an event without data. */
  id: string | undefined
  /** Undefined for an event that only sets the id. */
  data: string | undefined
}

/** An event that has not ended after this many characters is not waited for. */
const maxEventLength = 32 * 1_024 * 1_024

/** Another connection would bring the same. */
export class UnreadableStream extends SpokeError {
  constructor(message: string) {
    super(message, { code: 'unexpected_response', status: 200 })
  }
}

export class SilentConnection extends Error {
  override readonly name = 'SilentConnection'
}

/**
 * @param limits how long nothing may arrive, not even a comment: at the beginning, and later
 * @param onBytes called when something arrives
 * @throws SilentConnection, or what reading the body throws
 */
export async function* readEvents(
  body: ReadableStream<Uint8Array>,
  limits: { firstMs: number; silentMs: number },
  onBytes: () => void,
): AsyncGenerator<ServerSentEvent, void, undefined> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let rest = ''
  let ms = limits.firstMs
  try {
    for (;;) {
      const { done, value } = await readWithin(reader, ms)
      if (done) return
      ms = limits.silentMs
      onBytes()
      rest += decoder.decode(value, { stream: true })
      // A carriage return at the end may be the first half of a line break.
      const blocks = rest.split(/\r\n\r\n|\n\n|\r\r(?!\n)/)
      rest = blocks.pop() ?? ''
      if (rest.length > maxEventLength) throw new UnreadableStream('an event is longer than any of Spoke')
      for (const block of blocks) {
        const event = parseEvent(block)
        if (event) yield event
      }
    }
  } finally {
    // The reader of these events left, or the connection failed; either way nothing more is wanted.
    await reader.cancel().catch(() => {})
  }
}

async function readWithin(reader: ReadableStreamDefaultReader<Uint8Array>, ms: number) {
  let timer: ReturnType<typeof setTimeout> | undefined
  const silent = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new SilentConnection(`nothing arrived for ${ms} ms`)), ms)
  })
  try {
    return await Promise.race([reader.read(), silent])
  } finally {
    clearTimeout(timer)
  }
}

function parseEvent(block: string): ServerSentEvent | undefined {
  let id: string | undefined
  const data: string[] = []
  for (const line of block.split(/\r\n|\n|\r/)) {
    const [, name, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? []
    if (name === 'id') id = value
    if (name === 'data') data.push(value)
  }
  if (id === undefined && data.length === 0) return undefined
  return { id, data: data.length === 0 ? undefined : data.join('\n') }
}
