/** Wire schema of counts of issues by their values. */
import { z } from 'zod'

const ofIntegration = { integration_id: z.string() }
const count = z.number()
const facet = <Fields extends z.ZodRawShape>(fields: Fields) => z.array(z.object({ ...fields, count }))

export const facetsResponse = z
  .object({
    count: count.describe('Issues that the query finds'),
    facets: z
      .object({
        integration: facet(ofIntegration),
        pipeline: facet({
          ...ofIntegration,
          pipeline_id: z.string().nullable(),
          pipeline_name: z.string().nullable(),
        }),
        stage: facet({
          ...ofIntegration,
          pipeline_id: z.string().nullable(),
          pipeline_name: z.string().nullable(),
          stage_id: z.string().nullable(),
          stage_name: z.string().nullable(),
          stage_closed: z.boolean().nullable(),
        }),
        owner: facet({
          ...ofIntegration,
          owner_id: z.string().nullable(),
          owner_name: z.string().nullable(),
          owner_email: z.string().nullable(),
        }),
        priority: facet({ priority: z.string().nullable() }),
        category: facet({ category: z.string().nullable() }),
      })
      .describe(
        'For each, the 100 most frequent values, the most frequent first. A value of null: issues without one. A name is cut after 200 characters',
      ),
    buckets: z
      .array(z.object({ start: z.string(), count }))
      .nullable()
      .describe('By time, in order: the latest 1,000 that have an issue. null: no `interval` was given'),
    indexing: z.array(z.string()).describe('See `issues.list`'),
  })
  .meta({
    id: 'IssueFacets',
    examples: [
      {
        count: 250,
        facets: {
          integration: [{ integration_id: '01a2044e-3639-7888-95cf-ef6ead9b1a46', count: 250 }],
          pipeline: [
            {
              integration_id: '01a2044e-3639-7888-95cf-ef6ead9b1a46',
              pipeline_id: '0',
              pipeline_name: 'Support Pipeline',
              count: 250,
            },
          ],
          stage: [
            {
              integration_id: '01a2044e-3639-7888-95cf-ef6ead9b1a46',
              pipeline_id: '0',
              pipeline_name: 'Support Pipeline',
              stage_id: '4',
              stage_name: 'Closed',
              stage_closed: true,
              count: 250,
            },
          ],
          owner: [
            {
              integration_id: '01a2044e-3639-7888-95cf-ef6ead9b1a46',
              owner_id: '48857036',
              owner_name: 'Ada Lovelace',
              owner_email: 'ada.lovelace@northwind-bikes.example.com',
              count: 180,
            },
            {
              integration_id: '01a2044e-3639-7888-95cf-ef6ead9b1a46',
              owner_id: null,
              owner_name: null,
              owner_email: null,
              count: 70,
            },
          ],
          priority: [
            { priority: 'MEDIUM', count: 200 },
            { priority: 'HIGH', count: 50 },
          ],
          category: [{ category: null, count: 250 }],
        },
        buckets: [
          { start: '2025-05-31T00:00:00.000Z', count: 120 },
          { start: '2025-06-01T00:00:00.000Z', count: 130 },
        ],
        indexing: [],
      },
    ],
  })
