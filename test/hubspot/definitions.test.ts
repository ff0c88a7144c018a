/** Reading what an account has defined, and associations: the shapes HubSpot gives, and the odd ones it may give. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readAssociations } from '../../src/hubspot/association-reads.ts'
import { isReadTime, readPipelines, readProperties } from '../../src/hubspot/definitions.ts'
import { HubSpotError } from '../../src/hubspot/hubspot-error.ts'
import { readOwners } from '../../src/hubspot/owners.ts'
import { callOptions, startCanned } from '../issues/catalog-fixture.ts'

type Answer = Parameters<typeof startCanned>[0]

async function against<T>(
  answer: Answer,
  work: (canned: Awaited<ReturnType<typeof startCanned>>) => Promise<T>,
) {
  const canned = await startCanned(answer)
  try {
    return await work(canned)
  } finally {
    await canned.close()
  }
}

const options = callOptions()
const kindOf = (error: unknown) => (error instanceof HubSpotError ? error.kind : String(error))

describe('properties', () => {
  test('archived ones and invalid records are left out, missing fields are filled', async () => {
    const json = {
      results: [
        { name: 'subject', label: 'Ticket name', type: 'string', hubspotDefined: true, calculated: false },
        { name: 'hs_object_id', label: 'Record ID', type: 'number', hubspotDefined: true, calculated: true },
        { name: 'old', label: 'Old', type: 'string', archived: true },
        { name: 'score', calculated: true },
        { name: 'hs_time_in_1', type: 'number', fieldType: 'calculation_read_time', calculated: false },
        { name: 'odd', fieldType: null },
        { label: 'no name' },
        null,
      ],
    }
    await against(
      () => ({ json }),
      async ({ hubspot, asked }) => {
        assert.deepEqual(await readProperties(hubspot, 'tickets', options), [
          { name: 'subject', label: 'Ticket name', type: 'string', hubspotDefined: true, calculated: false },
          {
            name: 'hs_object_id',
            label: 'Record ID',
            type: 'number',
            hubspotDefined: true,
            calculated: true,
          },
          { name: 'score', label: '', type: 'string', hubspotDefined: false, calculated: true },
          {
            name: 'hs_time_in_1',
            label: '',
            type: 'number',
            fieldType: 'calculation_read_time',
            hubspotDefined: false,
            calculated: false,
          },
          { name: 'odd', label: '', type: 'string', fieldType: '', hubspotDefined: false, calculated: false },
        ])
        assert.equal(asked[0]?.path, '/crm/properties/2026-09/tickets')
      },
    )
  })

  test('a property that HubSpot computes on read is recognized by its field type, or by its name where that is unknown', () => {
    const fieldType = 'calculation_read_time'
    assert.deepEqual(
      [
        { name: 'hs_time_in_1', fieldType },
        { name: 'hs_v2_time_in_current_stage', fieldType },
        { name: 'hs_time_in_customer_stage' },
        { name: 'hs_time_in_2', fieldType: null },
        { name: 'hs_time_in_3', fieldType: 'number' },
        { name: 'hs_date_entered_1', fieldType: 'calculation_equation' },
        { name: 'time_in', fieldType: '' },
      ].map(isReadTime),
      [true, true, true, true, false, false, false],
    )
  })

  test('a list that is not of properties is an error: requesting by it would lose synced values', async () => {
    await against(
      () => ({ json: { results: [{ id: '1', name: 'A ticket', properties: {} }] } }),
      async ({ hubspot }) => {
        await assert.rejects(
          readProperties(hubspot, 'tickets', options),
          (error) => error instanceof HubSpotError && error.kind === 'invalid',
        )
      },
    )
  })

  test('an answer that is no list is an error, not an account without properties', async () => {
    await against(
      () => ({ json: {} }),
      ({ hubspot }) =>
        assert.rejects(
          readProperties(hubspot, 'tickets', callOptions()),
          (error) => kindOf(error) === 'invalid',
        ),
    )
  })
})

describe('pipelines', () => {
  test('a stage is closed according to isClosed, or to ticketState where that is missing; ids become text', async () => {
    const stage = (id: unknown, metadata: unknown) => ({
      id,
      label: `Stage ${id}`,
      displayOrder: 1,
      metadata,
    })
    const stages = [
      stage('1', { ticketState: 'OPEN', isClosed: 'false' }),
      stage('4', { ticketState: 'CLOSED', isClosed: 'true' }),
      stage(5, { ticketState: 'CLOSED' }),
      stage('6', undefined),
      { label: 'no id' },
    ]
    const json = { results: [{ id: 0, label: 'Support', displayOrder: 0, archived: false, stages }] }
    await against(
      () => ({ json }),
      async ({ hubspot, asked }) => {
        const [pipeline, ...others] = await readPipelines(hubspot, 'tickets', options)
        assert.deepEqual(others, [])
        assert.deepEqual([pipeline?.id, pipeline?.label, pipeline?.archived], ['0', 'Support', false])
        assert.deepEqual(
          pipeline?.stages.map(({ id, closed }) => [id, closed]),
          [
            ['1', false],
            ['4', true],
            ['5', true],
            ['6', false],
          ],
        )
        assert.equal(asked[0]?.path, '/crm/pipelines/2026-09/tickets')
      },
    )
  })
})

describe('owners', () => {
  const owner = (id: string, more: object = {}) => ({
    id,
    email: `${id}@example.com`,
    type: 'PERSON',
    ...more,
  })

  test('both lists are paged to their end, live ones first', async () => {
    const answer: Answer = (path) => {
      const query = new URL(path, 'http://x').searchParams
      assert.equal(query.get('limit'), '100')
      if (query.get('archived') === 'true') return { json: { results: [owner('9', { userId: null })] } }
      if (query.get('after') === 'b')
        return { json: { results: [owner('2', { type: 'QUEUE', email: null })] } }
      return { json: { results: [owner('1')], paging: { next: { after: 'b' } } } }
    }
    await against(answer, async ({ hubspot, asked }) => {
      const owners = await readOwners(hubspot, options)
      assert.deepEqual(
        owners.map(({ id, email, type, archived }) => [id, email, type, archived]),
        [
          ['1', '1@example.com', 'PERSON', false],
          ['2', null, 'QUEUE', false],
          ['9', '9@example.com', 'PERSON', true],
        ],
      )
      assert.equal(asked.length, 3)
    })
  })

  test('a cursor that loops ends in an error', async () => {
    await against(
      () => ({ json: { results: [], paging: { next: { after: 'a' } } } }),
      ({ hubspot }) => assert.rejects(readOwners(hubspot, options), (error) => kindOf(error) === 'invalid'),
    )
  })
})

describe('associations', () => {
  const plain = { category: 'HUBSPOT_DEFINED', typeId: 16, label: null }
  const found = async (answer: Answer, ids: string[]) =>
    await against(answer, async ({ hubspot, asked }) => {
      const read = await readAssociations(hubspot, 'tickets', 'contacts', ids, options)
      return { found: Object.fromEntries(read.found), undecided: read.undecided, asked }
    })

  test('ids are numbers or text, labels may be empty, and the result has one order', async () => {
    const billing = { category: 'USER_DEFINED', typeId: 7, label: 'Billing contact' }
    const results = [
      {
        from: { id: '1' },
        to: [
          { toObjectId: 200, associationTypes: [plain, billing] },
          { toObjectId: '30', associationTypes: [{ category: 'HUBSPOT_DEFINED', typeId: '16' }] },
          { associationTypes: [plain] },
        ],
      },
      { from: { id: 2 }, to: [{ toObjectId: 200, associationTypes: [] }] },
    ]
    const read = await found(() => ({ json: { status: 'COMPLETE', results } }), ['1', '2'])
    assert.deepEqual(read.found, {
      1: [
        { id: '30', labels: [plain] },
        { id: '200', labels: [billing, plain] },
      ],
      2: [{ id: '200', labels: [] }],
    })
    assert.equal(read.asked[0]?.path, '/crm/associations/2026-09/tickets/contacts/batch/read')
    assert.deepEqual(read.asked[0]?.body, { inputs: [{ id: '1' }, { id: '2' }] })
  })

  test('a record with many is paged alone, and its pages are combined', async () => {
    const to = (...ids: number[]) => ids.map((id) => ({ toObjectId: id, associationTypes: [plain] }))
    const answer: Answer = (_path, body) => {
      const { inputs } = body as { inputs: { id: string; after?: string }[] }
      const results = inputs.map(({ id, after }) => {
        if (id === '1') return { from: { id }, to: to(5) }
        if (after === undefined) return { from: { id }, to: to(1, 2), paging: { next: { after: 'p2' } } }
        if (after === 'p2') return { from: { id }, to: to(2, 3), paging: { next: { after: 'p3' } } }
        return { from: { id }, to: to(4) }
      })
      return { json: { results } }
    }
    const read = await found(answer, ['1', '2'])
    assert.deepEqual(
      read.found['1']?.map(({ id }) => id),
      ['5'],
    )
    assert.deepEqual(
      read.found['2']?.map(({ id }) => id),
      ['1', '2', '3', '4'],
    )
    assert.deepEqual(
      read.asked.map(({ body }) => body),
      [
        { inputs: [{ id: '1' }, { id: '2' }] },
        { inputs: [{ id: '2', after: 'p2' }] },
        { inputs: [{ id: '2', after: 'p3' }] },
      ],
    )
  })

  const none = {
    status: 'error',
    category: 'OBJECT_NOT_FOUND',
    subCategory: 'crm.associations.NO_ASSOCIATIONS_FOUND',
    message: 'No contact is associated with ticket 2.',
    context: { fromObjectId: ['2'] },
  }

  for (const [how, results, errors] of [
    ['missing', [], undefined],
    ['empty', [{ from: { id: '2' }, to: [] }], undefined],
    ['an error about it', [], [none]],
  ] as const) {
    test(`a record without any, returned as ${how}, has none`, async () => {
      const others = [{ from: { id: '1' }, to: [{ toObjectId: 9, associationTypes: [plain] }] }]
      const answer: Answer = () => ({
        status: errors ? 207 : 200,
        json: { results: [...others, ...results], ...(errors ? { errors, numErrors: 1 } : {}) },
      })
      const read = await found(answer, ['1', '2'])
      assert.deepEqual(read.found['2'], [])
      assert.equal(read.found['1']?.length, 1)
    })
  }

  test('after another error the record it names is undecided, and is reported', async () => {
    const broken = { category: 'INTERNAL_ERROR', message: 'oh', context: { ids: ['2'] } }
    const answer: Answer = () => ({ status: 207, json: { results: [], errors: [broken, none] } })
    const one = await found(answer, ['1', '2', '3'])
    assert.deepEqual([one.found, one.undecided], [{ 1: [], 3: [] }, ['2']])
    const nameless: Answer = () => ({
      status: 207,
      json: { results: [{ from: { id: '1' }, to: [] }], errors: [{ category: 'INTERNAL_ERROR' }] },
    })
    const more = await found(nameless, ['1', '2', '3'])
    assert.deepEqual([more.found, more.undecided], [{ 1: [] }, ['2', '3']])
  })

  test('a page cursor that does not move leaves out that record alone; it is named, and so is one with an end that cannot be read', async () => {
    const answer: Answer = () => ({
      json: {
        results: [
          { from: { id: '1' }, to: [], paging: { next: { after: 'x' } } },
          { from: { id: '2' }, to: [{ toObjectId: '7', associationTypes: [] }] },
          { from: { id: '3' }, to: [{ toObjectId: '7', associationTypes: [] }, { id: '8' }] },
        ],
      },
    })
    await against(answer, async ({ hubspot }) => {
      const read = await readAssociations(hubspot, 'tickets', 'contacts', ['1', '2', '3', '4'], options)
      assert.deepEqual([...read.found.keys()], ['2', '3', '4'])
      assert.deepEqual(read.malformed.toSorted(), ['1', '3'])
      assert.deepEqual(read.leftOut, ['4'])
    })
  })

  test('no ids cost no call', async () => {
    assert.equal((await found(() => ({ json: {} }), [])).asked.length, 0)
  })
})
