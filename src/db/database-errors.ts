/**
 * Classifies database failures by PostgreSQL's SQLSTATE, the network's code, or the driver's
 * message.
 */
import { AppError, diskFull } from '../lib/errors.ts'

interface Failure {
  code?: string
  message?: string
}

/** SQLSTATE disk_full: nothing can be written until space is freed. */
const diskFullState = '53100'

/**
 * PostgreSQL refuses or closes the connection, or cannot serve at the moment: connection exceptions
 * (08), a rejected login (28), out of connections or memory (53), a session that was ended or
 * cancelled (57P, 57014, 25P), a read-only standby (25006), an I/O error (58030), no such database
 * (3D000).
 */
const unavailableStates = /^(08...|28...|53[^1]..|57P0[1-5]|57014|25P0[34]|25006|58030|3D000)$/
const unavailableNetworkCodes =
  /^(E(CONN(REFUSED|RESET|ABORTED)|PIPE|AI_AGAIN|TIMEDOUT|(HOST|NET)(UNREACH|DOWN)|ADDRNOTAVAIL|MFILE|NFILE)|ENOTFOUND)$/
/** Driver failures without a code. */
const unavailableMessages =
  /^(timeout exceeded when trying to connect|timeout expired|Connection terminated|Query read timeout|Client (was closed|has encountered)|The server does not support SSL)|not currently accepting connections/

export const isDiskFull = (error: unknown): boolean =>
  (error as Failure).code === diskFullState || (error instanceof AppError && error.code === 'disk_full')

/**
 * The error a caller gets when the database is unreachable, unresponsive, full or out of
 * connections.
 *
 * @returns undefined for any other error
 */
export function toDatabaseAppError(error: unknown): AppError | undefined {
  if (error instanceof AppError) return undefined
  const { code = '', message = '' } = (error ?? {}) as Failure
  if (code === diskFullState) return diskFull(error)
  if (
    !unavailableStates.test(code) &&
    !unavailableNetworkCodes.test(code) &&
    !unavailableMessages.test(message)
  )
    return undefined
  return new AppError('unavailable', 'The service cannot reach its database', { cause: error, retryAfter: 5 })
}

/**
 * Whether a failed start may succeed a little later: the server is not up yet, has no free
 * connection, or its name does not resolve yet. Not for a wrong password or database, which a
 * pooler also reports with SQLSTATE 08P01, as it does most errors.
 */
export function isTemporaryStartFailure(error: unknown): boolean {
  const { code = '', message = '' } = error as Failure
  if (/password|authentication|no such (user|database)|unsupported startup parameter/.test(message))
    return false
  return (
    /^(08...|53...|57P0[1-5])$/.test(code) ||
    unavailableNetworkCodes.test(code) ||
    /^(timeout expired|Connection terminated|Query read timeout)/.test(message)
  )
}

/** Any error of PostgreSQL's own, or a failure to reach it. */
export const isDatabaseError = (error: unknown): boolean =>
  /^(?=.*\d)[0-9A-Z]{5}$/.test((error as Failure)?.code ?? '') || toDatabaseAppError(error) !== undefined

const words: Record<string, string> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was closed',
  ENOTFOUND: 'host not found',
  EAI_AGAIN: 'the host name could not be looked up',
  ETIMEDOUT: 'no response',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
}

/**
 * Why the database cannot be reached, in one line for the operator. PostgreSQL's messages name
 * logins, never passwords.
 */
export function databaseErrorReason(error: unknown): string {
  const { code = '', message = '' } = error as Failure
  if (message === 'timeout expired' || message === 'Query read timeout') return 'no response'
  if (message.startsWith('Connection terminated')) return 'the connection was closed'
  if (message.includes('client password must be a string')) return 'the server asks for a password'
  return (
    words[code] ?? [message, /^[0-9A-Z]{5}$/.test(code) && `(SQLSTATE ${code})`].filter(Boolean).join(' ')
  )
}
