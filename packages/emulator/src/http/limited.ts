// The bodies of 429, which differ by policy.
import type { Quirks } from '../quirks.ts'
import { uuid } from '../random.ts'
import { problem, type Reply } from './reply.ts'

export type Policy = 'ten_secondly' | 'secondly' | 'daily'

// Whether a Retry-After comes with them is undocumented: a switch, or given by a fault.
export function limited(
  policy: Policy,
  group: string | null,
  quirks: Quirks,
  retryAfter: number | null,
): Reply {
  const word = { ten_secondly: 'ten_secondly_rolling', secondly: 'secondly', daily: 'daily' }[policy]
  const message = `You have reached your ${word} limit.`
  const headers =
    quirks.retry_after_on_429 && retryAfter !== null ? { 'retry-after': String(retryAfter) } : {}
  // Both shapes of this one were seen: a switch.
  if (policy === 'secondly' && quirks.secondly_body === 'category')
    return { ...problem(429, message, { category: 'RATE_LIMITS' }), headers }
  const json: Record<string, unknown> = {
    status: 'error',
    message,
    errorType: 'RATE_LIMIT',
    correlationId: '',
    policyName: word.toUpperCase(),
  }
  if (policy === 'daily') json.requestId = uuid()
  else json.groupName = group ?? `publicapi:${policy}`
  return { status: 429, headers, json }
}
