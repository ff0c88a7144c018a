/** Retries a write to the inbox that failed because an integration was deleted at the same time. */
import { AppError } from '../lib/errors.ts'

const maxAttempts = 3

/**
 * A foreign key violation (23503) means that an integration was deleted during the write. At the
 * next attempt it no longer has a route.
 */
export async function retryOnDeletedIntegration<T>(write: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await write()
    } catch (error) {
      if ((error as { code?: string }).code !== '23503') throw error
      if (attempt === maxAttempts)
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
