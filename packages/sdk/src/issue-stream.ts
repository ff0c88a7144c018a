/** Reads an export of issues line by line, and notices one that was cut off. */
import type { Caller } from './call.ts'
import { operations } from './generated/operations.ts'
import type { components } from './generated/schema.ts'
import type { CallOptions } from './operation-types.ts'
import { SpokeError } from './spoke-error.ts'

type Issue = components['schemas']['Issue']

/** @throws SpokeError also when the response ends before its last line */
export async function* streamIssues(
  caller: Caller,
  tenantId: string,
  query: object = {},
  options: CallOptions = {},
): AsyncGenerator<Issue, void, undefined> {
  // Ends the connection when the reader leaves in the middle.
  const left = new AbortController()
  const own = caller.signalWith(options.signal)
  const signal = own ? AbortSignal.any([own, left.signal]) : left.signal
  try {
    const parts = { path: { tenant_id: tenantId }, query: { ...query, format: 'ndjson' } }
    const response = (await caller.call(operations['issues.export'], parts, {
      ...options,
      signal,
    })) as Response
    const cutOff = (cause?: unknown) =>
      new SpokeError('the export was cut off before its last line', {
        code: 'connection_failed',
        status: response.status,
        requestId: response.headers.get('request-id') ?? undefined,
        cause,
      })
    const lines = linesOf(response)
    for (;;) {
      const { done, value } = await lines.next().catch((cause: unknown) => {
        own?.throwIfAborted()
        throw cutOff(cause)
      })
      if (done) throw cutOff()
      const line = JSON.parse(value) as Issue | { complete: true }
      if ('complete' in line) return
      yield line
    }
  } finally {
    left.abort()
  }
}

async function* linesOf(response: Response): AsyncGenerator<string, void, undefined> {
  const reader = response.body?.getReader()
  const decoder = new TextDecoder()
  let rest = ''
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true, value: undefined }
    if (done) return
    const lines = (rest + decoder.decode(value, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
}
