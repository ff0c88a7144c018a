// What customers write to a support desk: subjects and descriptions put together from small varied parts.
import { hash, pick } from '../random.ts'

const THINGS = [
  'the invoice PDF',
  'password reset',
  'CSV export',
  'two-factor login',
  'the mobile app',
  'the Slack integration',
  'single sign-on',
  'the monthly report',
  'bulk import',
  'the webhook endpoint',
  'the shared inbox',
  'the public API',
  'calendar sync',
  'the German translation',
  'the billing page',
  'custom fields',
  'the audit log',
  'the printer driver',
  'barcode scanning',
  'the checkout page',
  'push notifications',
  'the warehouse dashboard',
  'e-mail forwarding',
  'the data warehouse connector',
  'role permissions',
  'the trial account',
  'dark mode',
  'the help centre search',
]

const SUBJECTS = [
  'Cannot use {t} since this morning',
  '{T} shows an empty page',
  'Question about {t}',
  '{T}: wrong totals for October',
  'Please extend access to {t}',
  '{T} is very slow for our Lyon office',
  'Refund for {t}',
  'How do we switch on {t}?',
  '{T} sends every message twice',
  'Error 500 when opening {t}',
  'Feature request: filters for {t}',
  'Urgent: {t} is down for all users',
  '{T} stopped after the last update',
  'Login loop with {t}',
  'Documentation for {t} seems outdated',
  'Move {t} to another contract',
  '{T} truncates names with accents (Zoë, Łukasz)',
  'Re: Re: {t} still not working',
  'Accès impossible à {t}',
  '{T} rechnet die Mehrwertsteuer falsch',
  '{T} の設定について',
  'Duplicate charges for {t}',
  'Can somebody call me about {t}?',
  '{T} times out after 30 seconds',
  'Cancel {t} at renewal',
]

const OPENERS = [
  'Hi team,',
  'Hello,',
  'Good morning,',
  'Hi there ☕',
  'Dear support,',
  'Bonjour,',
  'Hallo zusammen,',
  'Hey,',
]

const FACTS = [
  'It worked until yesterday evening and nobody on our side changed anything.',
  'We see it in Chrome and in Safari, but not on the phone.',
  'About forty people are affected, mostly in accounting.',
  'The screen says "Something went wrong (ref {r})" and nothing else.',
  'I tried again from home with the same result.',
  'Our finance lead needs the figures before Friday.',
  'This is the third time this month.',
  'It only happens to users whose name has an umlaut.',
  'A colleague with the same role does not have the problem.',
  'The order number is {r}, paid by card on the 3rd.',
  'We have restarted everything twice.',
  'A short video is attached; the error appears at 0:42.',
  'Without it our night shift cannot close the day.',
  'It is not urgent, but we would like to understand it.',
  'The old behaviour was better for us, is there a switch?',
]

const CLOSERS = [
  'Could you have a look?',
  'Thanks a lot!',
  'Please call me back, I am in until five.',
  'Merci d’avance !',
  'Any workaround would help.',
  'Who can approve this on your side?',
  'Best regards from Bergen',
  'Kind regards',
]

const PEOPLE = [
  'Maya Lindqvist',
  'Tom Okafor',
  'Aiko Tanaka',
  'Zoë Brandt',
  'Luis Herrera',
  'Priya Nair',
  'Jonas Weber',
  'Chloé Martin',
  'Omar Haddad',
  'Katarzyna Wójcik',
  'Sven Eriksen',
  'Grace Mbeki',
  'Paolo Conti',
  'Hannah Fischer',
  'Diego Ramos',
]

export function subjectOf(seed: number, index: number, turn = 0): string {
  const thing = pick(THINGS, hash(seed, index, 1, turn))
  const Thing = thing.charAt(0).toUpperCase() + thing.slice(1)
  return pick(SUBJECTS, hash(seed, index, 2, turn))
    .replace('{t}', thing)
    .replace('{T}', Thing)
}

export function contentOf(seed: number, index: number, turn = 0): string {
  const count = 1 + (hash(seed, index, 3, turn) % 3)
  const start = hash(seed, index, 4, turn) % FACTS.length
  const facts = Array.from({ length: count }, (_, i) => pick(FACTS, start + i * 4))
  const reference = `${String.fromCharCode(65 + (hash(seed, index, 5) % 26))}${100_000 + (hash(seed, index, 6) % 899_999)}`
  const body = facts.join(' ').replace('{r}', reference)
  const name = personName(seed, index)
  return `${pick(OPENERS, hash(seed, index, 7, turn))}\n\n${body} ${pick(CLOSERS, hash(seed, index, 8, turn))}\n\n${name}`
}

export function personName(seed: number, index: number): string {
  return pick(PEOPLE, hash(seed, index, 9))
}
