/**
 * Standard Webhooks: signatures that let a receiver verify the sender.
 * https://www.standardwebhooks.com
 */
import { createHmac, randomBytes } from 'node:crypto'
import { Secret } from './secret.ts'

const prefix = 'whsec_'

/** 32 random bytes in the format of Standard Webhooks. */
export const newWebhookSecret = (): Secret => new Secret(prefix + randomBytes(32).toString('base64'))

/** @returns undefined unless it is `whsec_` and 24 to 64 bytes in base64 */
export function parseWebhookSecret(text: string): Secret | undefined {
  if (!/^whsec_[A-Za-z0-9+/]{32,88}={0,2}$/.test(text)) return undefined
  const bytes = Buffer.from(text.slice(prefix.length), 'base64')
  // Buffer skips invalid base64, so compare what it decoded with the input.
  const same = bytes.toString('base64').replace(/=+$/, '') === text.slice(prefix.length).replace(/=+$/, '')
  return same && bytes.length >= 24 && bytes.length <= 64 ? new Secret(text) : undefined
}

/**
 * The headers of one attempt. `id` is the same for every attempt of one event; the time is the
 * attempt's.
 *
 * @param secrets newest first; each one signs, since during a rotation the receiver may have either
 * @param body exactly the bytes to be sent
 */
export function webhookSignatureHeaders(
  id: string,
  at: Date,
  body: string,
  secrets: readonly Secret[],
): Record<string, string> {
  const timestamp = String(Math.floor(at.getTime() / 1_000))
  const sign = (secret: Secret) =>
    createHmac('sha256', Buffer.from(secret.reveal().slice(prefix.length), 'base64'))
      .update(`${id}.${timestamp}.${body}`)
      .digest('base64')
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': secrets.map((secret) => `v1,${sign(secret)}`).join(' '),
  }
}
