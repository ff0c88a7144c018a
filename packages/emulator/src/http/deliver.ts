// Sends the answer, or spoils it in the way a fault orders.
import type { ServerResponse } from 'node:http'
import type { Call } from './call.ts'
import { type Fault, faultReply, omitted, SPOILS, stuck } from './faults.ts'
import { problem, type Reply } from './reply.ts'
import { drip, pause, render, send, sendCut } from './wire.ts'

export async function deliver(
  call: Call,
  res: ServerResponse,
  fault: Fault | null,
  reply: Reply | null,
  log: { status: number; bytes: number },
): Promise<void> {
  const { world } = call
  if (fault?.kind === 'reset') {
    res.socket?.resetAndDestroy()
    return
  }
  if (fault?.kind === 'hang') {
    await pause(res, fault.delay_ms ?? null)
    res.socket?.destroy()
    return
  }
  const own = fault ? faultReply(fault, world.quirks) : null
  const whole = own ?? reply ?? problem(500, 'internal error')
  const last =
    fault?.kind === 'omit'
      ? omitted(whole, fault.keep)
      : fault?.kind === 'stuck_cursor'
        ? stuck(whole)
        : whole
  const plain = fault !== null && SPOILS.includes(fault.kind)
  const rendered = render(world, last, call.correlationId, plain ? {} : call.headers)
  log.status = last.status
  if (fault?.kind === 'truncate') {
    log.bytes = Math.floor(rendered.body.length / 2)
    await sendCut(res, rendered, log.bytes)
  } else if (fault?.kind === 'invalid_json') {
    const body = rendered.body.subarray(0, Math.max(1, Math.floor(rendered.body.length / 2)))
    log.bytes = body.length
    send(res, { ...rendered, body })
  } else if (fault?.kind === 'drip') {
    log.bytes = await drip(res, rendered, fault.delay_ms ?? 300)
  } else {
    log.bytes = rendered.body.length
    send(res, rendered)
  }
}
