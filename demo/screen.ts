/** What the demo prints: aligned lines, and below them a few that move on a terminal and only grow in a pipe. */
import { styleText } from 'node:util'

type Style = Parameters<typeof styleText>[0]

export type Screen = ReturnType<typeof createScreen>

/** @param moving whether lines may be drawn again; a pipe and a dumb terminal get plain ones, each once */
export function createScreen(
  out: NodeJS.WriteStream = process.stdout,
  moving = out.isTTY === true && process.env.TERM !== 'dumb',
) {
  let live: string[] = []
  // It checks the stream and NO_COLOR, so that a pipe gets no control characters.
  const paint = (style: Style, text: string) => styleText(style, text, { stream: out })

  function erase(): string {
    return live.length > 0 ? `\x1b[${live.length}A\x1b[0J` : ''
  }

  /** Above the lines that move. */
  function line(text = ''): void {
    out.write(`${erase()}${text}\n${live.map((one) => `${one}\n`).join('')}`)
  }

  return {
    moving,
    paint,
    columns: Math.min(out.columns ?? 110, 130),
    line,
    heading: (text: string) => line(`\n${paint('bold', text)}`),
    /** A step that passed. What does not fit next to it on a terminal is printed below. */
    held(what: string, detail = '', aside = ''): void {
      const fits = 24 + detail.length + aside.length <= (out.columns ?? Number.POSITIVE_INFINITY)
      const after = aside === '' ? '' : paint('dim', `${fits ? '  ' : `\n${' '.repeat(22)}`}${aside}`)
      line(`  ${paint('green', '✓')} ${what.padEnd(18)}${detail}${after}`)
    },
    /** Draws the moving lines again. */
    redraw(lines: string[]): void {
      if (!moving || lines.join('\n') === live.join('\n')) return
      const before = erase()
      live = lines
      out.write(`${before}${lines.map((one) => `${one}\n`).join('')}`)
    },
    /** The animated lines stay as they are, and later output follows below. */
    settle(): void {
      live = []
    },
  }
}

/** `████████░░░░`, as long as `width`. Pure. */
export function bar(done: number, total: number, width = 30): string {
  const full = total > 0 ? Math.min(width, Math.floor((done / total) * width)) : 0
  return '█'.repeat(full) + '░'.repeat(width - full)
}

/** At most `width` letters, an ellipsis where it was cut. Pure. */
export function cut(text: string, width: number): string {
  const letters = [...text]
  return letters.length <= width ? text : `${letters.slice(0, Math.max(0, width - 1)).join('')}…`
}

/** Columns as wide as their widest cell; numbers to the right. Pure. */
export function table(rows: readonly (readonly (string | number)[])[]): string[] {
  const text = rows.map((row) => row.map((cell) => (typeof cell === 'number' ? count(cell) : cell)))
  const widths = (text[0] ?? []).map((_, at) => Math.max(...text.map((row) => row[at]?.length ?? 0)))
  const isNumber = (at: number) => rows.slice(1).every((row) => typeof row[at] === 'number')
  return text.map((row) =>
    row
      .map((cell, at) => (isNumber(at) ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0)))
      .join('   ')
      .trimEnd(),
  )
}

export const count = (n: number) => n.toLocaleString('en-US')
export const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`
