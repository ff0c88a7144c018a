/** Builds an example for each request and response from the examples of its parts. */
import type { Document, Schema } from './openapi-components.ts'

/** A text without an example is left out: a test then finds that the schema needs it. */
export function addExamples({ paths, components: { schemas } }: Document): void {
  for (const { requestBody, responses } of Object.values(paths).flatMap(Object.values))
    for (const { content } of [requestBody ?? {}, ...Object.values(responses)]) {
      const media = content?.['application/json']
      if (!media || media.schema.$ref === '#/components/schemas/Problem') continue
      const given = media.example === undefined ? {} : { examples: [media.example] }
      media.example = exampleOf({ ...media.schema, ...given }, schemas)
    }
}

/** The schema's own example, completed by those of the fields that it lacks. */
function exampleOf(schema: Schema, schemas: Record<string, Schema>): unknown {
  const { $ref, properties, required = [], items, anyOf, type = [] } = schema
  if ($ref) return exampleOf(schemas[$ref.slice('#/components/schemas/'.length)] ?? {}, schemas)
  const [given] = schema.examples ?? []
  if (properties) {
    const own = (given ?? {}) as Record<string, unknown>
    const shown = Object.entries(properties).filter(
      ([name, field]) => required.includes(name) || name in own || field.examples,
    )
    const fields = shown.map(([name, field]) => [name, name in own ? own[name] : exampleOf(field, schemas)])
    return { ...Object.fromEntries(fields), ...own }
  }
  if (given !== undefined) return given
  const [first = schema.const ?? schema.default] = schema.enum ?? []
  if (first !== undefined) return first
  if (type.includes('null') || anyOf?.some((one) => one.type === 'null')) return null
  if (items) return [exampleOf(items, schemas)]
  if (type === 'boolean') return true
  if (type === 'number' || type === 'integer') return schema.minimum ?? 0
  // Zod gives a schema with a conversion no example of its own.
  return schema.format === 'date-time' ? '2026-11-25T00:00:00Z' : undefined
}
