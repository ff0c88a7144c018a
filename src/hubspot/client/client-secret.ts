/** Calls as our app: by the newest client secret, and by an older one only when HubSpot refuses the client. */
import type { Log } from '../../lib/log.ts'
import { HubSpotError } from '../hubspot-error.ts'
import type { Answer, Call, Credentials } from './call.ts'

/** @returns makes the call by `send`, with our credentials in its form; a client refused has not spent the grant */
export function createAsApp(
  log: Log,
): (call: Call, app: Credentials, send: (call: Call) => Promise<Answer>) => Promise<Answer> {
  let reported = false
  return async (call, { clientId, clientSecrets }, send) => {
    for (let at = 0; ; at++) {
      const secret = clientSecrets[at]
      if (!secret) throw new Error('our app has no client secret')
      const form = { client_id: clientId, client_secret: secret.reveal(), ...call.form }
      try {
        const answer = await send({ ...call, form })
        if (at > 0 && !reported)
          log.warn(
            'HubSpot takes only the older client secret; the newest of HUBSPOT_CLIENT_SECRET is refused',
          )
        reported ||= at > 0
        return answer
      } catch (error) {
        const refused = error instanceof HubSpotError && error.clientRefused
        if (!refused || at + 1 >= clientSecrets.length) throw error
      }
    }
  }
}
