/** What a query gets that takes too long. */
import { AppError } from '../lib/errors.ts'

/** PostgreSQL's code for a statement that was cancelled at its time limit. */
const statementTimeout = '57014'

/**
 * Wraps what a broad query makes slow, and nothing that waits for others: then it would be right to
 * repeat the request.
 *
 * @throws AppError query_too_broad in place of the database's own error
 */
export const unlessTooBroad = <T>(done: Promise<T>): Promise<T> =>
  done.catch((error: unknown) => {
    if ((error as { code?: string }).code !== statementTimeout) throw error
    throw new AppError('query_too_broad', 'The query takes too long: add a condition that fewer issues meet')
  })
