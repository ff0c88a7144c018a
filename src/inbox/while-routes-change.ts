/** Retries a write to the inbox that failed because an integration was deleted at the same time. */
import { AppError } from '../lib/errors.ts'

const mostTries = 3

/**
 * A foreign key violation (23503) means that an integration was deleted during the write. At the
 * next attempt it no longer has a route.
 */
export async function whileRoutesChange<T>(keep: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await keep()
    } catch (error) {
      if ((error as { code?: string }).code !== '23503') throw error
      if (tries === mostTries)
        throw new AppError(
          'unavailable',
          'An integration was deleted while this was being stored; try again',
          {
            cause: error,
            retryAfter: 1,
          },
        )
    }
  }
}
