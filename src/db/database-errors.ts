/** What went wrong between us and the database, by PostgreSQL's SQLSTATE, the network's code, or the driver's words. */
import { AppError, diskFull } from '../lib/errors.ts'

interface Failure {
  code?: string
  message?: string
}

/** SQLSTATE disk_full: nothing can be written until somebody makes room. */
const noRoom = '53100'

/**
 * PostgreSQL refuses or ends the connection, or serves nobody just now: connection exceptions (08), a login that may not come
 * in (28), out of connections or memory (53), a session that was ended or cancelled (57P, 57014, 25P), a standby that takes no
 * writes (25006), an I/O error (58030), no such database (3D000).
 */
const awayStates = /^(08...|28...|53[^1]..|57P0[1-5]|57014|25P0[34]|25006|58030|3D000)$/
const awayNetwork =
  /^(E(CONN(REFUSED|RESET|ABORTED)|PIPE|AI_AGAIN|TIMEDOUT|(HOST|NET)(UNREACH|DOWN)|ADDRNOTAVAIL|MFILE|NFILE)|ENOTFOUND)$/
/** The driver's failures that carry no code. */
const awayWords =
  /^(timeout exceeded when trying to connect|timeout expired|Connection terminated|Query read timeout|Client (was closed|has encountered)|The server does not support SSL)|not currently accepting connections/

export const isDiskFull = (error: unknown): boolean =>
  (error as Failure).code === noRoom || (error instanceof AppError && error.code === 'disk_full')

/**
 * What a caller is told of a database that is away, silent, full, or has all its connections taken.
 *
 * @returns undefined for any other error
 */
export function fromDatabase(error: unknown): AppError | undefined {
  if (error instanceof AppError) return undefined
  const { code = '', message = '' } = (error ?? {}) as Failure
  if (code === noRoom) return diskFull(error)
  if (!awayStates.test(code) && !awayNetwork.test(code) && !awayWords.test(message)) return undefined
  return new AppError('unavailable', 'The service cannot reach its database', { cause: error, retryAfter: 5 })
}

/**
 * Whether a start that failed so may succeed a little later: the server is not up yet, has no connection to spare, or its name
 * is not known yet. A wrong password or database is not of these. A pooler says most things with SQLSTATE 08P01.
 */
export function mayPass(error: unknown): boolean {
  const { code = '', message = '' } = error as Failure
  if (/password|authentication|no such (user|database)|unsupported startup parameter/.test(message))
    return false
  return (
    /^(08...|53...|57P0[1-5])$/.test(code) ||
    awayNetwork.test(code) ||
    /^(timeout expired|Connection terminated|Query read timeout)/.test(message)
  )
}

/** PostgreSQL's own error, whatever it says, or a failure to reach it. */
export const isOfDatabase = (error: unknown): boolean =>
  /^(?=.*\d)[0-9A-Z]{5}$/.test((error as Failure)?.code ?? '') || fromDatabase(error) !== undefined

const words: Record<string, string> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was closed',
  ENOTFOUND: 'host not found',
  EAI_AGAIN: 'the host name could not be looked up',
  ETIMEDOUT: 'no answer',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
}

/** One line for the operator: why the database cannot be reached. PostgreSQL's messages name logins, never passwords. */
export function reasonOf(error: unknown): string {
  const { code = '', message = '' } = error as Failure
  if (message === 'timeout expired' || message === 'Query read timeout') return 'no answer'
  if (message.startsWith('Connection terminated')) return 'the connection was closed'
  if (message.includes('client password must be a string')) return 'the server asks for a password'
  return (
    words[code] ?? [message, /^[0-9A-Z]{5}$/.test(code) && `(SQLSTATE ${code})`].filter(Boolean).join(' ')
  )
}
