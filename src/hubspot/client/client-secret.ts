/**
 * Makes calls as our app with the newest client secret, and with an older one only when HubSpot
 * refuses the client.
 */
import type { Log } from '../../lib/log.ts'
import { HubSpotError } from '../hubspot-error.ts'
import type { Credentials, HubSpotCall, HubSpotResponse } from './call.ts'

/**
 * @returns a function that makes the call through `send`, with our credentials in its form; a
 *   refused client has not used up the grant
 */
export function createAppCaller(
  log: Log,
): (
  call: HubSpotCall,
  app: Credentials,
  send: (call: HubSpotCall) => Promise<HubSpotResponse>,
) => Promise<HubSpotResponse> {
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
            'HubSpot accepts only the older client secret; it refuses the newest one in HUBSPOT_CLIENT_SECRET',
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
