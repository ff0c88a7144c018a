// How the journal is kept: sizes of its files and how long they and their addresses live, set by the control API.
export type JournalSettings = {
  file_events: number
  file_characters: number
  // The open file is published this long after its first event, or when it is full.
  publish_ms: number
  retention_ms: number
  // How long the address of a file works.
  url_ttl_ms: number
  // Of one app, over all files; the oldest go first.
  most_events: number
}

export const DEFAULT_JOURNAL: Readonly<JournalSettings> = {
  file_events: 10_000,
  file_characters: 5_000_000,
  publish_ms: 0,
  retention_ms: 3 * 86_400_000,
  url_ttl_ms: 300_000,
  most_events: 1_000_000,
}

/** Takes the given settings over, or throws and changes nothing. */
export function setJournal(settings: JournalSettings, given: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(DEFAULT_JOURNAL, name)) throw new Error(`the journal has no setting called ${name}`)
    const least = name === 'publish_ms' ? 0 : 1
    if (typeof value !== 'number' || !(value >= least) || !Number.isFinite(value))
      throw new Error(`${name} must be a number of at least ${least}`)
  }
  Object.assign(settings, given)
}
