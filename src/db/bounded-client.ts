/** A PostgreSQL connection with bounded waits and fewer round trips. */
import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import pg from 'pg'
import { isLostStatement } from './pooler.ts'

/** Whether statements are prepared; shared by all connections of a process. */
export interface Preparing {
  on: boolean
  /**
   * Called when PostgreSQL reports that a prepared statement is lost. Absent: the operator decides
   * whether to prepare.
   */
  onLost?(): void
}

/**
 * The prefix of statements to prepare once per connection: planning the long ones of a sync took
 * longer than running them.
 */
export const prepared = '/* prepared */'

/** Names of the prepared statements by text; bounded by the number of statements in our stores. */
const names = new Map<string, string>()

function nameOf(text: string): string {
  const known = names.get(text)
  if (known) return known
  const name = `spoke_${createHash('sha256').update(text).digest('hex').slice(0, 24)}`
  names.set(text, name)
  return name
}

/** A statement that opens a transaction. It has no result to wait for. */
const opensTransaction = (text: unknown, values: readonly unknown[] | undefined) =>
  typeof text === 'string' && !values?.length && text.startsWith('set local ')

/**
 * Closes its connection when no response arrives, so that the pool never lends out a stuck one, and
 * prepares statements with the prefix above. Sends the statements that open a transaction in one
 * packet with the first statement inside it, which saves two round trips per unit of work. If the
 * opening fails, the first statement fails too, since the transaction is broken; the opening's
 * error is the one thrown.
 */
export class BoundedClient extends pg.Client {
  /** Opening statements not sent yet. */
  #opening: string[] = []
  readonly #preparing: Preparing

  constructor(config: pg.ClientConfig & { preparing: Preparing }) {
    super(config)
    this.#preparing = config.preparing
  }

  // One signature for all the driver's overloads; arguments are passed on unchanged.
  // biome-ignore lint/suspicious/noExplicitAny: a pass-through
  override query(...given: any[]): any {
    const [text, values, ...rest] = given
    const isOpen = this.#opening.length > 0
    if (text === 'begin' || (isOpen && opensTransaction(text, values))) {
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

  /** @throws the error of the opening or of the statement; the transaction is rolled back */
  async alone(opening: string, text: string, values: unknown[]): Promise<unknown[]> {
    const [opened, asked, ended] = await Promise.allSettled(
      this.#inOnePacket(() => [
        this.query(`begin;${opening};`),
        this.query(text, values),
        // After a failure, this commit rolls back.
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
