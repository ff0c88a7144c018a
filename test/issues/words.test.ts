/** The words of texts in the index: any text can be stored, and is found however it is written. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import { sql } from 'kysely'
import type { Database } from '../../src/db/database.ts'
import { createTermsOf } from '../../src/issues/search-terms.ts'
import { findFragment, parsePrefixes, parseTextQuery } from '../../src/issues/text-query.ts'
import { foldedWordsOf } from '../../src/issues/words.ts'
import { bothEngines } from '../support/engines.ts'
import { A } from '../support/rows.ts'

const wordsIn = (text: string) => foldedWordsOf(text, 100).map((word) => word.text)

for (const [what, text, words] of [
  ['case and accents', 'Café NAÏVE Ёлка', ['cafe', 'naive', 'елка']],
  ['composed and decomposed Korean', '프린터'.normalize('NFD'), wordsIn('프린터')],
  ['halfwidth and fullwidth', 'ｶﾞｽ ＡＢＣ１', ['ガ', 'ス', 'abc1']],
  ['ligatures and fractions', 'ﬁne ½', ['fine', '1', '2']],
  ['soft hyphens and joiners', 'print\u00ader می\u200cخواهم', ['printer', 'میخواهم']],
  ['vowel signs that are mostly left out', 'فَتَحَ', ['فتح']],
  ['no spaces', '印刷iPhone', ['印', '刷', 'iphone']],
  ['punctuation', "don't a.b@example.com", ['don', 't', 'a', 'b', 'example', 'com']],
] as const)
  test(`words: ${what}`, () => assert.deepEqual(wordsIn(text), words))

test('what was searched for is shown with where it stands, whatever is around it', () => {
  const found = (text: string, q: string) => {
    const fragment = findFragment(text, parseTextQuery(A, q))
    return fragment?.indices.map(([start, end]) => fragment.text.slice(start, end))
  }
  assert.deepEqual(found('On fire, on FIRE! print', '"on fire" pri'), ['On', 'fire', 'on', 'FIRE', 'print'])
  assert.deepEqual(found('印刷できない', '刷でき'), ['刷でき'])
  assert.deepEqual(found('nothing here', 'printer'), undefined)
  assert.deepEqual(found(`${'x '.repeat(100)}needle`, 'needle'), ['needle'])
  assert.equal(findFragment(`${'x '.repeat(3_000)}needle`, parseTextQuery(A, 'needle')), undefined)
})

test('many words in long texts do not hold up the process', () => {
  const text = parseTextQuery(A, 'a '.repeat(32).trim())
  const long = 'b a '.repeat(8_000)
  findFragment(long, text)
  const began = performance.now()
  for (let n = 0; n < 16; n++) findFragment(long, text)
  assert.ok((performance.now() - began) / 16 < 50)
})

for (const engine of bothEngines)
  describe(`the index of words on ${engine.name}`, () => {
    let db: Database
    let close: () => Promise<void>
    before(async () => {
      ;({ db, close } = await engine.open())
    })
    after(() => close())

    const stored = async (content: string) => {
      const { words } = createTermsOf(A)({ ticket_id: '1', properties: { content }, associations: null })
      const { rows } = await sql<{ n: number }>`select length(${words}::tsvector) as n`.execute(db.kysely)
      return rows[0]?.n ?? 0
    }

    for (const [what, content] of [
      ['a letter that becomes eighteen', '\ufdfa'.repeat(64)],
      [
        'many words of such letters',
        Array.from({ length: 2_100 }, (_, n) => `${n}${'\ufdfa'.repeat(30)}`).join(' '),
      ],
      ['more words than have a position', Array.from({ length: 20_000 }, (_, n) => `w${n}`).join(' ')],
      ['one word very often', 'x '.repeat(40_000)],
      ['letters of four bytes', '𠀀𠀁'.repeat(30_000)],
    ] as const)
      test(`holds ${what}`, async () => assert.ok((await stored(content)) > 0))

    test('takes any text, and so does a query', async () => {
      await fc.assert(
        fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 200 }), async (text) => {
          const content = text.replaceAll('\0', '')
          await stored(content)
          if (foldedWordsOf(content, 1).length === 0) return
          const tsquery = parsePrefixes(A, content.slice(0, 30), () => assert.fail as never)
          await sql`select ${tsquery}::tsquery`.execute(db.kysely)
        }),
        { numRuns: engine.name === 'PostgreSQL' ? 500 : 100, seed: 21 },
      )
    })
  })
