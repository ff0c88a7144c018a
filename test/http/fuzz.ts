/** The fuzzer: sends what fuzz-requests.ts makes, holds each answer against the oracle, and counts. A failing case has a seed and a path. */
import { Agent, request as httpRequest } from 'node:http'
import fc from 'fast-check'
import { adminKey, type FuzzFixture } from './fuzz-fixture.ts'
import { type FuzzRequest, requests } from './fuzz-requests.ts'
import { canary } from './fuzz-values.ts'
import { checkShape } from './oracle.ts'
import type { Answer } from './send.ts'

export interface FuzzOptions {
  seed: number
  requests: number
  /** The run ends early after so long, ms. */
  withinMs: number
  /** Of one failing case, as it was printed: then nothing else is sent. */
  path?: string
}

export interface FuzzResult {
  passed: number
  /** What was found, with how to see it again. */
  findings: string[]
  byStatus: Map<number, number>
  /** Operations that answered so at least once. */
  succeeded: Set<string>
  refused: Set<string>
  p50Ms: number
  p99Ms: number
  worstMs: number
  /** How much more resident memory the service held in the last quarter than in the second; 0.1 is ten percent. */
  growth: number
  residentMiB: number
}

/** One block has one seed; a finding ends its block, and the others go on. */
const block = 500
const workers = 4
const mostFindings = 10
/** A planned refusal. The document declares what else an operation may return. */
const planned = new Set([400, 401, 403, 404, 405, 408, 409, 413, 414, 415, 417, 421, 422, 431])

export async function fuzz(world: FuzzFixture, options: FuzzOptions): Promise<FuzzResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: workers })
  const result: FuzzResult = {
    passed: 0,
    findings: [],
    byStatus: new Map(),
    succeeded: new Set(),
    refused: new Set(),
    p50Ms: 0,
    p99Ms: 0,
    worstMs: 0,
    growth: 0,
    residentMiB: 0,
  }
  const times: number[] = []
  const memory: number[] = []
  const end = performance.now() + options.withinMs
  const arbitrary = requests(world.operations, world.known)
  const property = fc.asyncProperty(arbitrary, async (one) => {
    const began = performance.now()
    const answer = await ask(world.url, agent, one)
    times.push(performance.now() - began)
    if (times.length % 100 === 0) memory.push(world.resident())
    result.byStatus.set(answer.status, (result.byStatus.get(answer.status) ?? 0) + 1)
    judge(one, answer)
    if (answer.status < 400) result.succeeded.add(one.operation.name)
    else result.refused.add(one.operation.name)
    result.passed += 1
  })
  let next = 0
  const worker = async () => {
    for (;;) {
      const at = next++
      const left = options.requests - at * block
      if (left <= 0 || performance.now() > end || result.findings.length >= mostFindings) return
      const seed = options.seed + at
      const numRuns = Math.min(block, left)
      const path = options.path === undefined ? {} : { path: options.path }
      const checked = await fc.check(property, { seed, numRuns, maxSkipsPerRun: 0, ...path })
      if (checked.failed) {
        const [found] = checked.counterexample ?? []
        result.findings.push(
          `--seed ${seed} --path ${checked.counterexamplePath}: ${(checked.errorInstance as Error)?.message ?? 'no word'}\n${describeRequest(found)}`,
        )
      }
      if (options.path !== undefined) return
    }
  }
  await Promise.all(Array.from({ length: options.path === undefined ? workers : 1 }, worker))
  agent.destroy()
  for (const line of world.badLines) result.findings.push(`a log line: ${line.slice(0, 600)}`)
  const sorted = times.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
  const quarter = (which: number) =>
    median(memory.slice((which * memory.length) / 4, ((which + 1) * memory.length) / 4))
  return {
    ...result,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    worstMs: at(1),
    growth: memory.length < 8 ? 0 : quarter(3) / quarter(1) - 1,
    residentMiB: Math.round((memory.at(-1) ?? 0) / 2 ** 20),
  }
}

const median = (numbers: number[]) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0

/** Short enough to read; the seed makes it again. */
function describeRequest(one: FuzzRequest | undefined): string {
  if (!one) return ''
  const { method, path, headers, body } = one
  const { authorization: _, ...rest } = headers
  return `  ${method} ${path.slice(0, 300)} ${JSON.stringify(rest).slice(0, 300)} ${String(body ?? '').slice(0, 300)}`
}

/** @throws where the answer breaks a promise */
export function judge({ operation, method, path, headers }: FuzzRequest, answer: Answer): void {
  const { status, text } = answer
  const what = `${method} ${operation.template} was ${status}`
  const say = (words: string): never => {
    throw new Error(`${what}: ${words}: ${text.slice(0, 400)}`)
  }
  for (const word of [canary, adminKey]) {
    if (text.includes(word)) say('the answer holds what was sent')
    if (JSON.stringify(answer.headers).includes(word)) say('a header holds what was sent')
  }
  if (!/^[\w.-]{1,64}$/.test(String(answer.headers['request-id']))) say('no request-id')
  if (answer.headers['x-content-type-options'] !== 'nosniff') say('no security headers')
  if (status >= 500) say('an undeclared 5xx')
  if (status < 400) {
    // Every GET takes a HEAD, of which the document need not speak.
    const declared = method === operation.method && operation.statuses.includes(String(status))
    if (!declared && !(method === 'HEAD' && status === 200)) say('not declared')
    return
  }
  if (!planned.has(status)) say('an undeclared status')
  if (method === 'HEAD') return
  const type = String(answer.headers['content-type'])
  const accept = String(headers.accept ?? '')
  const page = path.includes('/oauth/callback') || path.startsWith('/connect/')
  if (type.startsWith('text/html') && accept.includes('text/html') && page) return
  const problem = type === 'application/problem+json'
  if (problem && !accept.includes('problem+json')) say('a type that was not requested')
  const media = problem ? type : 'application/json; charset=utf-8'
  checkShape(answer, { what, status, code: answer.json?.code ?? 'one' }, media)
  if (answer.json.request_id !== answer.headers['request-id']) say('two request ids')
}

/** The relevant part of a response: of a stream that stays open, the first bytes. */
function ask(url: string, agent: Agent, { method, path, headers, body }: FuzzRequest): Promise<Answer> {
  const { hostname, port } = new URL(url)
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  return new Promise((resolve, reject) => {
    let answered = false
    const request = httpRequest(
      { hostname, port, method, path, headers: { ...length, ...headers }, agent },
      (response) => {
        answered = true
        const chunks: Buffer[] = []
        const done = () => {
          const text = Buffer.concat(chunks).toString()
          let json: unknown
          try {
            json = JSON.parse(text)
          } catch {}
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json })
        }
        response.on('end', done)
        // Cut after the answer had begun: what there is of it is judged.
        response.on('error', done)
        response.on('data', (chunk) => {
          chunks.push(chunk)
          if (!String(response.headers['content-type']).startsWith('text/event-stream')) return
          request.destroy()
          done()
        })
      },
    )
    request.on('error', (error) => {
      if (!answered) reject(new Error(`${method} ${path.slice(0, 100)} got no answer: ${error.message}`))
    })
    request.setTimeout(10_000, () => request.destroy(new Error('none within 10 s')))
    request.end(body)
  })
}
