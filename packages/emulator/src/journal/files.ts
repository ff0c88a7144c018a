// The journal of one app: an open file that events are added to, and published ones in the order of time.
import type { Clock } from '../clock.ts'
import { uuid } from '../random.ts'
import type { JournalSettings } from './settings.ts'

type Line = { portal_id: number; text: string }
export type JournalFile = {
  offset: string
  published_at: number
  lines: readonly Line[]
  portals: ReadonlySet<number>
}

export type Files = ReturnType<typeof createFiles>

/** No timer runs: files are published and forgotten when somebody writes or reads. */
export function createFiles(clock: Clock, settings: JournalSettings) {
  let files: JournalFile[] = []
  let open: Line[] = []
  let openSince = 0
  let openSize = 0
  let kept = 0
  let dropped = 0

  function add(portal_id: number, event: object): void {
    if (open.length === 0) openSince = clock.now()
    const text = JSON.stringify(event)
    open.push({ portal_id, text })
    openSize += text.length
    if (open.length >= settings.file_events || openSize >= settings.file_characters) publish()
  }

  function publish(): void {
    if (open.length === 0) return
    const portals = new Set(open.map((one) => one.portal_id))
    files.push({ offset: uuid(), published_at: clock.now(), lines: open, portals })
    kept += open.length
    open = []
    openSize = 0
    forget()
  }

  function forget(): void {
    const oldest = clock.now() - settings.retention_ms
    let gone = 0
    for (const file of files) {
      const full = kept > settings.most_events && gone < files.length - 1
      if (file.published_at > oldest && !full) break
      if (full && file.published_at > oldest) dropped += file.lines.length
      kept -= file.lines.length
      gone += 1
    }
    if (gone > 0) files = files.slice(gone)
  }

  // Nobody sees a file before it is read, so it is published then.
  function all(): readonly JournalFile[] {
    if (open.length > 0 && clock.now() - openSince >= settings.publish_ms) publish()
    forget()
    return files
  }

  const holds = (portal_id: number | null) => (file: JournalFile) =>
    portal_id === null || file.portals.has(portal_id)

  return {
    add,
    publish,
    find: (offset: string) => all().find((one) => one.offset === offset) ?? null,
    earliest: (count: number, portal_id: number | null) => all().filter(holds(portal_id)).slice(0, count),
    latest: (count: number, portal_id: number | null) => all().filter(holds(portal_id)).slice(-count),
    /** Null when the offset is not there, or not any more. */
    after(offset: string, count: number, portal_id: number | null): JournalFile[] | null {
      const place = all().findIndex((one) => one.offset === offset)
      if (place < 0) return null
      return files
        .slice(place + 1)
        .filter(holds(portal_id))
        .slice(0, count)
    },
    state: () => ({ files: files.length, events: kept, open: open.length, dropped }),
  }
}

/** The file as it is served, all of it or what is of one account. */
export function fileText({ offset, published_at, lines }: JournalFile, portal_id: number | null): string {
  const texts = lines
    .filter((one) => portal_id === null || one.portal_id === portal_id)
    .map((one) => one.text)
  const [before, after] = JSON.stringify({
    offset,
    journalEvents: [],
    publishedAt: new Date(published_at).toISOString(),
  }).split('[]') as [string, string]
  return `${before}[${texts.join(',')}]${after}`
}
