/** Keeping for whoever is linked to an account, while links come and go. */
import { AppError } from '../lib/errors.ts'

const mostTries = 3

/** An integration that is deleted in this very moment has no route any more at the next try. */
export async function whileRoutesChange<T>(keep: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await keep()
    } catch (error) {
      if ((error as { code?: string }).code !== '23503') throw error
      if (tries === mostTries)
        throw new AppError('unavailable', 'Integrations go too fast to keep up', {
          cause: error,
          retryAfter: 1,
        })
    }
  }
}
