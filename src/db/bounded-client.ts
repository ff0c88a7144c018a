/** A connection to PostgreSQL that waits for no answer for good and for as few as it can. */
import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import pg from 'pg'
import { isLostStatement } from './pooler.ts'

/** Whether statements are prepared; shared by the connections of a process. */
export interface Preparing {
  on: boolean
  /** Called once when PostgreSQL says that a prepared statement is lost; absent: it is left to the operator. */
  onLost?(): void
}

/** A statement that begins so is prepared once a connection: for the long ones of a sync planning took more than running. */
export const prepared = '/* prepared */'

/** Statements that are prepared, and their names; as many as there are in our stores. */
const names = new Map<string, string>()

function nameOf(text: string): string {
  const known = names.get(text)
  if (known) return known
  const name = `spoke_${createHash('sha256').update(text).digest('hex').slice(0, 24)}`
  names.set(text, name)
  return name
}

/** The beginning of each transaction of ours; there is nothing in it to wait for. */
const opens = (text: unknown, values: readonly unknown[] | undefined) =>
  typeof text === 'string' && !values?.length && text.startsWith('set local ')

/**
 * Ends its connection when an answer does not come, so that the pool never lends a stuck one again; prepares what asks for it; and
 * sends what opens a transaction in one packet with the first statement in it, which saves each unit of work two round trips. Where
 * the opening fails the statement fails with it, since the transaction is broken, and the opening's error is the one that is told.
 */
export class BoundedClient extends pg.Client {
  /** Not sent yet. */
  #opening: string[] = []
  readonly #preparing: Preparing

  constructor(config: pg.ClientConfig & { preparing: Preparing }) {
    super(config)
    this.#preparing = config.preparing
  }

  // The driver's overloads in one: whatever it is given it passes on.
  // biome-ignore lint/suspicious/noExplicitAny: a pass-through
  override query(...given: any[]): any {
    const [text, values, ...rest] = given
    const isOpen = this.#opening.length > 0
    if (text === 'begin' || (isOpen && opens(text, values))) {
      this.#opening.push(text)
      return Promise.resolve({ command: 'BEGIN', rows: [] })
    }
    if (isOpen) {
      const opening = `${this.#opening.join(';')};`
      this.#opening = []
      if (text === 'rollback') return Promise.resolve({ command: 'ROLLBACK', rows: [] })
      return this.#inOnePacket(() => {
        const opened = this.query(opening)
        const asked = this.query(...given)
        asked.catch(() => {})
        return opened.then(() => asked)
      })
    }
    const named =
      this.#preparing.on && typeof text === 'string' && text.startsWith(prepared) && Array.isArray(values)
    const asked = named ? [{ name: nameOf(text), text, values }, ...rest] : given
    const answer: unknown = Reflect.apply(super.query, this, asked)
    if (answer instanceof Promise) {
      answer.catch((error: unknown) => {
        const silent = error instanceof Error && error.message === 'Query read timeout'
        if (silent) this.#stream.destroy()
        if (named && isLostStatement(error)) this.#preparing.onLost?.()
      })
    }
    return answer
  }

  /** @throws what the opening threw, or the statement; nothing of it stays then */
  async alone(opening: string, text: string, values: unknown[]): Promise<unknown[]> {
    const [opened, asked, ended] = await Promise.allSettled(
      this.#inOnePacket(() => [
        this.query(`begin;${opening};`),
        this.query(text, values),
        // Where one before it has failed this rolls back.
        this.query('commit'),
      ]),
    )
    for (const part of [opened, asked, ended]) if (part?.status === 'rejected') throw part.reason
    return (asked as PromiseFulfilledResult<{ rows: unknown[] }>).value.rows
  }

  get #stream() {
    return (this as unknown as { connection: { stream: Socket } }).connection.stream
  }

  #inOnePacket<T>(send: () => T): T {
    const stream = this.#stream
    stream.cork()
    try {
      return send()
    } finally {
      stream.uncork()
    }
  }
}
