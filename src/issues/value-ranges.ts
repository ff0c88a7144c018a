/**
 * Ranges of numbers and times, from narrow to wide. A value is indexed under those that contain it,
 * and a comparison looks up the few that cover all values on its side, some beyond the bound among
 * them. Pure.
 */

export type Side = 'up' | 'down'

export const numberForm = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?$/
/** A time as milliseconds since 1970. */
export const millisecondsForm = /^-?\d{10,14}$/

/** Decades with ranges of their own, and the ranges of what is before and behind them. */
const [firstDecade, lastDecade] = [197, 210]
const [before, behind] = ['<000', '<999']

const counts = (from: number, to: number) =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, n) => from + n)
const twoDigits = (n: number) => String(n).padStart(2, '0')

/** @param time ISO 8601. Its day is a range too, and indexed as its value. */
export function rangesOfTime(time: string): string[] {
  const decade = Number(time.slice(0, 3))
  if (decade < firstDecade) return [before]
  return decade > lastDecade ? [behind] : [3, 4, 7].map((length) => `<${time.slice(0, length)}`)
}

/** The ranges of all times from this one on, or up to it. */
export function timesOn(side: Side, time: string): string[] {
  const [year = 0, month = 0, day = 0] = time.slice(0, 10).split('-').map(Number)
  const decade = Math.floor(year / 10)
  const decades = (from: number, to: number) =>
    counts(Math.max(from, firstDecade), Math.min(to, lastDecade)).map((one) => `<${one}`)
  const up = side === 'up'
  const ends = up
    ? [...(decade < firstDecade ? [before] : []), ...decades(decade + 1, lastDecade), behind]
    : [before, ...decades(firstDecade, decade - 1), ...(decade > lastDecade ? [behind] : [])]
  if (decade < firstDecade || decade > lastDecade) return ends
  const some = (at: number, first: number, last: number) =>
    up ? counts(at + 1, last) : counts(first, at - 1)
  return [
    ...ends,
    ...some(year, decade * 10, decade * 10 + 9).map((one) => `<${one}`),
    ...some(month, 1, 12).map((one) => `<${year}-${twoDigits(one)}`),
    ...[day, ...some(day, 1, 31)].map((one) => `${time.slice(0, 7)}-${twoDigits(one)}`),
  ]
}

/** Powers of ten with ranges of their own; the first and the last contain what is beyond. */
const [least, most] = [-9, 18]

/** Power of ten and the first two digits of an absolute value. */
function magnitudeOf(value: number): { power: number; digits: [number, number] | undefined } {
  if (!Number.isFinite(value)) return { power: most, digits: undefined }
  const [mantissa = '', exponent = ''] = Math.abs(value).toExponential(15).split('e')
  const power = Math.min(most, Math.max(least, Number(exponent)))
  const isEnd = power === least || power === most
  return { power, digits: isEnd ? undefined : [Number(mantissa[0]), Number(mantissa[2])] }
}

export function rangesOfNumber(value: number): string[] {
  if (value === 0) return ['<0']
  if (!Number.isFinite(value)) return [`<${value > 0 ? '+' : '-'}${most}`]
  const sign = value > 0 ? '+' : '-'
  const { power, digits } = magnitudeOf(value)
  const wide = `<${sign}${power}`
  return digits ? [wide, `${wide}.${digits[0]}`, `${wide}.${digits[0]}${digits[1]}`] : [wide]
}

/** The ranges of all numbers from this one on, or up to it. */
export function numbersOn(side: Side, value: number): string[] {
  const up = side === 'up'
  if (value === 0) return ['<0', ...all(up ? '+' : '-')]
  const isPositive = value > 0
  const sign = isPositive ? '+' : '-'
  // Away from zero on the value's own side, or towards it, through it, and all of the other side.
  return isPositive === up
    ? magnitudesOn('up', sign, value)
    : [...magnitudesOn('down', sign, value), '<0', ...all(isPositive ? '-' : '+')]
}

const all = (sign: string) => counts(least, most).map((power) => `<${sign}${power}`)

function magnitudesOn(side: Side, sign: string, value: number): string[] {
  const { power, digits } = magnitudeOf(value)
  const powers = side === 'up' ? counts(power + 1, most) : counts(least, power - 1)
  const wide = `<${sign}${power}`
  const beyond = powers.map((one) => `<${sign}${one}`)
  if (!digits) return [wide, ...beyond]
  const [first, second] = digits
  const firsts = side === 'up' ? counts(first + 1, 9) : counts(1, first - 1)
  const seconds = side === 'up' ? counts(second, 9) : counts(0, second)
  return [
    ...seconds.map((one) => `${wide}.${first}${one}`),
    ...firsts.map((one) => `${wide}.${one}`),
    ...beyond,
  ]
}
