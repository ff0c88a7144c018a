// How deliveries are made: sizes, waits and times, set by the control API.
import { MOST_RETRIES } from './retries.ts'

export type Sending = {
  // Either or both: deliver events, and keep them for somebody to read.
  send: boolean
  record: boolean
  // Nothing is sent until this is over; events wait.
  paused: boolean
  // The day of retries is so many times shorter.
  compression: number
  jitter: number
  retries: number
  timeout_ms: number
  batch_events: number
  // How long the first event of a batch waits for more, on the clock of the machine.
  batch_wait_ms: number
  // HubSpot goes on with settings and subscriptions for this long after a change.
  settings_lag_ms: number
  // Deliveries go on for this long after an uninstall.
  after_uninstall_ms: number
  // More than this never wait: what comes on top is counted and forgotten.
  most_queued: number
  // Whose time the request timestamp is: HubSpot's clock, or the machine's where only HubSpot's was moved.
  timestamps: 'hubspot' | 'machine'
  sensitive_properties: string[]
  // Overrides who is said to have made a change in the CRM.
  change_source: string | null
}

export const DEFAULT_SENDING: Readonly<Sending> = {
  send: true,
  record: false,
  paused: false,
  compression: 1,
  jitter: 0.2,
  retries: MOST_RETRIES,
  timeout_ms: 5000,
  batch_events: 100,
  batch_wait_ms: 10,
  settings_lag_ms: 0,
  after_uninstall_ms: 0,
  most_queued: 200_000,
  timestamps: 'hubspot',
  sensitive_properties: [],
  change_source: null,
}

const RANGES: Partial<Record<keyof Sending, [least: number, most: number]>> = {
  compression: [1, 1e9],
  jitter: [0, 0.25],
  retries: [0, MOST_RETRIES],
  timeout_ms: [1, 60_000],
  batch_events: [1, 100],
  batch_wait_ms: [0, 60_000],
  settings_lag_ms: [0, 86_400_000],
  after_uninstall_ms: [0, 86_400_000],
  most_queued: [1, 1_000_000],
}

/** Takes the given settings over, or throws and changes nothing. */
export function setSending(sending: Sending, given: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(DEFAULT_SENDING, name)) throw new Error(`webhooks have no setting called ${name}`)
    if (!right(name as keyof Sending, value)) throw new Error(`${name} may not be ${JSON.stringify(value)}`)
  }
  Object.assign(sending, given)
}

function right(name: keyof Sending, value: unknown): boolean {
  const range = RANGES[name]
  if (range) return typeof value === 'number' && value >= range[0] && value <= range[1]
  if (name === 'timestamps') return value === 'hubspot' || value === 'machine'
  if (name === 'change_source') return value === null || typeof value === 'string'
  if (name === 'sensitive_properties')
    return Array.isArray(value) && value.every((one) => typeof one === 'string')
  return typeof value === 'boolean'
}
